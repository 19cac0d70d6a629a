#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SOLAR (4 * M_PI * M_PI)
#define DAYS 365.24

typedef struct { double x, y, z, vx, vy, vz, mass; } Body;
enum { COUNT = 5 };

static Body bodies[COUNT] = {
  {0, 0, 0, 0, 0, 0, 1},
  {4.84143144246472090, -1.16032004402742839, -0.103622044471123109,
   0.00166007664274403694, 0.00769901118419740425, -0.0000690460016972063023, 0.000954791938424326609},
  {8.34336671824457987, 4.12479856412430479, -0.403523417114321381,
   -0.00276742510726411036, 0.00499852801234917238, 0.0000230417297573763929, 0.000285885980666130812},
  {12.8943695621391310, -15.1111514016986312, -0.223307578892655734,
   0.00296460137564761618, 0.00237847173959480950, -0.0000296589568540237556, 0.0000436624404335156298},
  {15.3796971148509165, -25.9193146099879641, 0.179258772950371181,
   0.00268067772490389322, 0.00162824170038242295, -0.0000951592254519715870, 0.0000515138902046611451},
};

static void advance(double dt) {
  for (int i = 0; i < COUNT; i++) {
    Body *a = &bodies[i];
    for (int j = i + 1; j < COUNT; j++) {
      Body *b = &bodies[j];
      double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
      double d2 = dx * dx + dy * dy + dz * dz;
      double mag = dt / (d2 * sqrt(d2));
      double bm = b->mass * mag;
      a->vx -= dx * bm;
      a->vy -= dy * bm;
      a->vz -= dz * bm;
      bm = a->mass * mag;
      b->vx += dx * bm;
      b->vy += dy * bm;
      b->vz += dz * bm;
    }
    a->x += dt * a->vx;
    a->y += dt * a->vy;
    a->z += dt * a->vz;
  }
}

static double energy(void) {
  double e = 0;
  for (int i = 0; i < COUNT; i++) {
    Body *a = &bodies[i];
    e += 0.5 * a->mass * (a->vx * a->vx + a->vy * a->vy + a->vz * a->vz);
    for (int j = i + 1; j < COUNT; j++) {
      Body *b = &bodies[j];
      double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
      e -= a->mass * b->mass / sqrt(dx * dx + dy * dy + dz * dz);
    }
  }
  return e;
}

int main(int argc, char **argv) {
  long n = argc > 1 ? atol(argv[1]) : 400000;
  double px = 0, py = 0, pz = 0;
  for (int i = 0; i < COUNT; i++) {
    Body *b = &bodies[i];
    b->vx *= DAYS;
    b->vy *= DAYS;
    b->vz *= DAYS;
    b->mass *= SOLAR;
    px += b->vx * b->mass;
    py += b->vy * b->mass;
    pz += b->vz * b->mass;
  }
  bodies[0].vx = -px / SOLAR;
  bodies[0].vy = -py / SOLAR;
  bodies[0].vz = -pz / SOLAR;
  double before = energy();
  for (long i = 0; i < n; i++) advance(0.01);
  printf("nbody %.9f %.9f\n", before, energy());
  return 0;
}
