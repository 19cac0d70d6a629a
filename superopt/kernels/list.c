/* One step along a linked list: doubles the value of a node and goes to the next. */
#include <stdint.h>

struct node {
    uint32_t value;
    struct node *next;
};

struct node *list_step(struct node *n)
{
    n->value *= 2;
    return n->next;
}
