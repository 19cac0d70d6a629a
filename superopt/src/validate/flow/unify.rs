//! Words that are equal where a region begins.

use super::{Facts, Item, Place};
use crate::validate::domain::Terms;
use crate::validate::ssa::{State, Variables};
use crate::validate::values::Values;
use std::collections::BTreeMap;
use trinity_codegen::isa::{Domain, Node, TermId};

/// Words in one place are equal: all of them become the term of the one that was defined first. Gives what holds of the terms that they had: a word that
/// is computed from others says something of those.
///
/// What a word is computed from was defined before it, so words are replaced in the order of their definitions: each term is made of words that have been.
pub(super) fn unify(
    d: &mut Terms<'_>,
    vars: &mut Variables,
    ssa: &mut State<'_>,
    values: &Values,
    facts: &Facts,
) -> Vec<TermId> {
    let order = |i: Item| (values.rank[i.0.index()], i);
    // By word: an equal one that was defined before it.
    let mut same: BTreeMap<Item, Item> = BTreeMap::new();
    fn find(same: &BTreeMap<Item, Item>, mut x: Item) -> Item {
        while let Some(&y) = same.get(&x) {
            x = y;
        }
        x
    }
    let mut before: Option<(Place, Item)> = None;
    for &(place, item) in facts {
        if let Some((p, first)) = before
            && p == place
        {
            let (x, y) = (find(&same, first), find(&same, item));
            if x != y {
                let (from, to) = if order(x) < order(y) { (y, x) } else { (x, y) };
                same.insert(from, to);
            }
        } else {
            before = Some((place, item));
        }
    }
    let mut items: Vec<Item> = same.keys().copied().collect();
    items.sort_by_key(|x| order(*x));
    let mut given = Vec::new();
    for x in items {
        let to = find(&same, x);
        let t = ssa.value(d, vars, to.0)[to.1 as usize];
        let mut words = ssa.value(d, vars, x.0);
        let own = words[x.1 as usize];
        if own == t {
            continue;
        }
        // Nobody else has a variable that is replaced.
        if !values.root[x.0.index()] || !matches!(d.pool.node(own), Node::Var(_)) {
            given.push(d.eq(&own, &t));
        }
        match x.1 {
            0 if ssa.lanes(x.0) == 1 => words = [t; 4],
            n => words[n as usize] = t,
        }
        ssa.set(x.0, words);
    }
    given
}
