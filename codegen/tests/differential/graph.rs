//! Control-flow graphs of random functions, and their dominators by the definition.

/// What a block's terminator will be.
pub struct Shape {
    pub targets: Vec<usize>,
}

/// Every block also leads to the last one, when the fuel is spent.
fn successors(shapes: &[Shape], i: usize) -> Vec<usize> {
    let mut s = shapes[i].targets.clone();
    if i + 1 < shapes.len() {
        s.push(shapes.len() - 1);
    }
    s
}

pub fn reverse_postorder(shapes: &[Shape]) -> Vec<usize> {
    fn visit(shapes: &[Shape], i: usize, seen: &mut Vec<bool>, order: &mut Vec<usize>) {
        if !std::mem::replace(&mut seen[i], true) {
            successors(shapes, i)
                .into_iter()
                .for_each(|s| visit(shapes, s, seen, order));
            order.push(i);
        }
    }
    let mut order = Vec::new();
    visit(shapes, 0, &mut vec![false; shapes.len()], &mut order);
    order.reverse();
    order
}

/// Immediate dominators by the definition: sets of dominators to a fixpoint.
pub fn dominators(shapes: &[Shape]) -> Vec<usize> {
    let n = shapes.len();
    let order = reverse_postorder(shapes);
    let mut dom = vec![vec![true; n]; n];
    dom[0] = (0..n).map(|i| i == 0).collect();
    loop {
        let before = dom.clone();
        for &i in order.iter().filter(|&&i| i != 0) {
            let mut d = vec![true; n];
            for &p in order
                .iter()
                .filter(|&&p| successors(shapes, p).contains(&i))
            {
                (0..n).for_each(|k| d[k] &= dom[p][k]);
            }
            d[i] = true;
            dom[i] = d;
        }
        if dom == before {
            break;
        }
    }
    let size = |i: usize| dom[i].iter().filter(|&&d| d).count();
    (0..n)
        .map(|i| {
            (0..n)
                .filter(|&k| k != i && dom[i][k])
                .max_by_key(|&k| size(k))
                .unwrap_or(0)
        })
        .collect()
}
