//! Values used twice: an operation of a value and of something made from it.

use super::super::lanes::Block;
use super::super::tests::TestBank;
use super::enumerate::Enumeration;
use super::levels::Worker;
use super::{Def, Expr};
use rayon::prelude::*;
use std::sync::atomic::Ordering;

impl Enumeration<'_> {
    /// A value used twice: an operation of it and of something made from it; and two one-operand steps.
    pub(super) fn sharing(
        &self,
        from: std::ops::Range<usize>,
        bank: &TestBank,
        found: &mut Vec<Expr>,
    ) {
        let inputs = self.ends[0];
        let hits: Vec<(Vec<Def>, u32)> = from
            .into_par_iter()
            .flat_map_iter(|t| {
                let mut out = Vec::new();
                if self.stopped() {
                    return out;
                }
                let mut w = Worker::new(self.level);
                let base = self.blocks.len() as u32;
                let leaves: Vec<usize> = (0..inputs).collect();
                let mut second: Vec<(Def, Block)> = Vec::new();
                for &m in self
                    .unary
                    .iter()
                    .filter(|m| self.macros.macros[**m as usize].core)
                {
                    let b = *w.apply(&self.macros.macros[m as usize], &[&self.blocks[t]]);
                    second.push((
                        Def::Apply {
                            m,
                            args: [t as u32, 0, 0, 0],
                        },
                        b,
                    ));
                }
                for &m in self
                    .binary
                    .iter()
                    .filter(|m| self.macros.macros[**m as usize].core)
                {
                    let mac = &self.macros.macros[m as usize];
                    for &l in &leaves {
                        for args in [[t, l], [l, t]] {
                            let b = *w.apply(mac, &[&self.blocks[args[0]], &self.blocks[args[1]]]);
                            if !(mac.faults && w.faulted()) {
                                second.push((
                                    Def::Apply {
                                        m,
                                        args: [args[0] as u32, args[1] as u32, 0, 0],
                                    },
                                    b,
                                ));
                            }
                            if mac.commutes {
                                break;
                            }
                        }
                    }
                }
                for (d, u) in &second {
                    for &m in self
                        .binary
                        .iter()
                        .filter(|m| self.macros.macros[**m as usize].inverse.is_some())
                    {
                        let mac = &self.macros.macros[m as usize];
                        for flip in [false, true] {
                            if flip && mac.commutes {
                                break;
                            }
                            let (x, y) = if flip {
                                (u, &self.blocks[t])
                            } else {
                                (&self.blocks[t], u)
                            };
                            let b = *w.apply(mac, &[x, y]);
                            if mac.faults && w.faulted() {
                                continue;
                            }
                            if let Some(g) = self.goal_of(&b) {
                                let args = if flip {
                                    [base, t as u32, 0, 0]
                                } else {
                                    [t as u32, base, 0, 0]
                                };
                                out.push((vec![*d, Def::Apply { m, args }], g));
                            }
                        }
                    }
                }
                self.progress
                    .evaluations
                    .fetch_add(w.count, Ordering::Relaxed);
                out
            })
            .collect();
        for (extra, g) in hits {
            let last = self.blocks.len() as u32 + extra.len() as u32 - 1;
            let e = self.expr_of_goal(&extra, last, None, g);
            self.accept(e, bank, found);
        }
    }
}
