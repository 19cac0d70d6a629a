import sys

N = int(sys.argv[1]) if len(sys.argv) > 1 else 17


def build(depth):
    if depth == 0:
        return ()
    return (build(depth - 1), build(depth - 1))


def nodes(tree):
    return 1 + nodes(tree[0]) + nodes(tree[1]) if tree else 1


def main():
    lasting = build(N)
    total = nodes(build(N + 1))
    for depth in range(4, N + 1, 4):
        for _ in range(2 ** (N - depth + 2)):
            total += nodes(build(depth))
    print("binarytrees %d %d" % (nodes(lasting), total))


main()
