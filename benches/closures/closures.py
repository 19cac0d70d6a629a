import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 350


def counter(step):
    value = [0]

    def bump():
        value[0] += step

    return bump, lambda: value[0]


def compose(f, g):
    return lambda x: g(f(x))


def add(n):
    return lambda x: x + n


def mul(n):
    return lambda x: x * n


def mod(n):
    return lambda x: x % n


def map_(xs, f):
    return [f(x) for x in xs]


def filter_(xs, keep):
    return [x for x in xs if keep(x)]


def fold(xs, f, acc):
    for x in xs:
        acc = f(acc, x)
    return acc


def memoize(f):
    cache = {}

    def lookup(n):
        v = cache.get(n)
        if v is None:
            v = cache[n] = f(n)
        return v

    return lookup


def main():
    xs = list(range(1, 10001))
    h = 0
    for r in range(1, N + 1):
        bump, get = counter(r)
        step = compose(compose(add(r), mul(3)), mod(10007))

        def each(x):
            bump()
            return step(x)

        odd = filter_(map_(xs, each), lambda y: (y + r) % 2 == 1)
        h = fold(odd, lambda a, y: (a * 31 + y) % 1000003, h + get())

        def next_(n):
            if n == 1:
                return 0
            return 1 + (collatz(n // 2) if n % 2 == 0 else collatz(3 * n + 1))

        collatz = memoize(next_)
        for i in range(1, 301):
            h += collatz(i)
        h %= 1000003
    print("closures %d" % h)


main()
