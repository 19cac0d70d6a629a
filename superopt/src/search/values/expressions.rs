//! Expressions of values that met a goal: made, tested on every test, kept when cheap.

use super::super::lanes::{Block, LANES};
use super::super::tests::{Group, TestBank};
use super::enumerate::Enumeration;
use super::goals::Goal;
use super::levels::Worker;
use super::{Def, Expr};
use std::collections::HashMap;

impl Enumeration<'_> {
    pub(super) fn cost(&self, e: &Expr) -> u64 {
        e.cost(self.macros)
    }

    pub(super) fn confirm(&self, d: Def, g: u32, bank: &TestBank, found: &mut Vec<Expr>) {
        let e = self.expr_of_goal(&[], 0, Some(d), g);
        self.accept(e, bank, found);
    }

    /// Keeps an expression that passes every test, if it is among the cheapest.
    pub(super) fn accept(&self, e: Expr, bank: &TestBank, found: &mut Vec<Expr>) {
        let cost = self.cost(&e);
        let full = found.len() >= self.limits.solutions;
        if cost >= self.limits.below || full && found.last().is_some_and(|f| self.cost(f) <= cost) {
            return;
        }
        if !found.contains(&e) && self.passes(&e, bank) {
            let at = found.partition_point(|f| self.cost(f) <= cost);
            found.insert(at, e);
            found.truncate(self.limits.solutions);
        }
    }

    /// Whether an expression is right on every test.
    fn passes(&self, e: &Expr, bank: &TestBank) -> bool {
        let mut w = Worker::new(self.level);
        bank.groups.iter().all(|g| {
            self.value_on(&mut w, e, g).is_some_and(|v| {
                let x = &g.expected[self.output_index];
                (0..LANES).all(|i| (x.0[i] ^ v.0[i]) & self.mask == 0)
            })
        })
    }

    fn value_on(&self, w: &mut Worker, e: &Expr, g: &Group) -> Option<Block> {
        let mut vals: Vec<Block> = Vec::new();
        for n in &e.nodes {
            let v = match n {
                Def::Input(i) => g.inputs[*i as usize],
                Def::Apply { m, args } => {
                    let mac = &self.macros.macros[*m as usize];
                    let refs: Vec<&Block> = args[..mac.args as usize]
                        .iter()
                        .map(|a| &vals[*a as usize])
                        .collect();
                    let b = *w.apply(mac, &refs);
                    if mac.faults && w.faulted() {
                        return None;
                    }
                    b
                }
            };
            vals.push(v);
        }
        vals.last().copied()
    }

    /// The expression of a value that is not stored.
    pub(super) fn expr(&self, d: Def) -> Expr {
        let mut e = Expr::default();
        let mut at = HashMap::new();
        self.add(&mut e, &mut at, &[], u32::MAX, Some(d));
        e
    }

    /// The expression that reaches the output from a value that meets goal `g`; the value is `d`, or number `v` among
    /// the stored values followed by `extra`.
    pub(super) fn expr_of_goal(&self, extra: &[Def], v: u32, d: Option<Def>, g: u32) -> Expr {
        let mut e = Expr::default();
        let mut at = HashMap::new();
        let mut root = self.add(&mut e, &mut at, extra, v, d);
        let mut goal = self.goals[g as usize].0;
        while let Goal::Back {
            parent,
            m,
            known,
            unknown,
        } = goal
        {
            let k = self.add(&mut e, &mut at, extra, known, None);
            let args = if unknown == 0 {
                [root, k, 0, 0]
            } else {
                [k, root, 0, 0]
            };
            e.nodes.push(Def::Apply { m, args });
            root = e.nodes.len() as u32 - 1;
            goal = self.goals[parent as usize].0;
        }
        // The root is the last node by construction, or an input.
        if root as usize + 1 != e.nodes.len() {
            e.nodes.truncate(root as usize + 1);
        }
        e
    }

    fn add(
        &self,
        e: &mut Expr,
        at: &mut HashMap<u32, u32>,
        extra: &[Def],
        v: u32,
        d: Option<Def>,
    ) -> u32 {
        if d.is_none()
            && let Some(&n) = at.get(&v)
        {
            return n;
        }
        let def = d.unwrap_or_else(|| match (v as usize).checked_sub(self.blocks.len()) {
            Some(i) => extra[i],
            None => self.defs[v as usize],
        });
        let node = match def {
            Def::Input(i) => Def::Input(i),
            Def::Apply { m, args } => {
                let n = self.macros.macros[m as usize].args as usize;
                let mut full = [0; 4];
                for i in 0..n {
                    full[i] = self.add(e, at, extra, args[i], None);
                }
                Def::Apply { m, args: full }
            }
        };
        e.nodes.push(node);
        let n = e.nodes.len() as u32 - 1;
        if d.is_none() {
            at.insert(v, n);
        }
        n
    }
}
