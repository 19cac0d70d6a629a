//! How deep in loops the runs of a function stand, and which are cold.

use super::WindowReport;
use crate::ir::{Block, Cfg, Function};
use crate::opt::loops::Loops;
use crate::x86::asm::Label;

/// Sets the depth of each run and drops the cold ones. `block_at`: the machine block of each block of the IR. Machine blocks
/// that are none of the IR's (for moves on an edge) are taken for the one before them in the text.
pub(crate) fn weigh(
    report: &mut WindowReport,
    func: &Function,
    block_at: &[u32],
    labels: &[Label],
) {
    if report.runs.is_empty() {
        return;
    }
    let cfg = Cfg::new(func);
    let loops = Loops::new(&cfg, func.blocks.len());
    let mut of_label: Vec<Option<Block>> = vec![None; labels.len()];
    for (n, &m) in (0..).zip(block_at) {
        if let Some(slot) = of_label.get_mut(m as usize) {
            *slot = Some(Block(n));
        }
    }
    let mut now: Option<Block> = None;
    report.runs.retain_mut(|run| {
        let at = run
            .label
            .and_then(|l| of_label.get(l.0 as usize).copied().flatten());
        now = at.or(now);
        let Some(block) = now else { return true };
        let mut inner = loops.innermost(block);
        while let Some(l) = inner {
            run.depth += 1;
            inner = loops.parent(l);
        }
        !func.blocks[block.index()].cold
    });
}
