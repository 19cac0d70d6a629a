//! Switches of optimizations, to measure what each gives: one table, read by the command line and by whatever makes the decision.
//!
//! Everything is on unless somebody turns it off; off, programs do the same, more slowly. What an optimization knows from a profile is taken away
//! before anybody asks ([`Seen::without`](crate::opt::spec::Seen::without)); the others are asked for with [`Passes::has`], or are options of the
//! code generator.

use trinity_codegen::SelectOptions;
use trinity_codegen::isa::March;
use trinity_codegen::opt::OptOptions;

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Which.
    pub pass: Pass,
    /// `-fNAME`, `-fno-NAME`.
    pub name: &'static str,
    /// What it belongs to.
    pub part: &'static str,
    /// What it does.
    pub what: &'static str,
    /// Where it is read.
    pub place: &'static str,
}

macro_rules! passes {
    ($($(#[doc = $doc:literal])* $pass:ident $name:literal $part:literal $place:literal $what:literal;)*) => {
        /// An optimization that has a switch.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Pass {
            $( #[doc = $what] $pass, )*
        }
        /// All of them.
        pub const TABLE: &[Row] = &[
            $( Row { pass: Pass::$pass, name: $name, part: $part, what: $what, place: $place }, )*
        ];
    };
}

passes! {
    RegisterArgs "register-args" "functions" "lower/src/opt/spec.rs" "arguments that were always of one kind in machine registers";
    Between "between-functions" "functions" "lower/src/opt/between.rs" "without a profile: kinds of arguments, results and captured variables by the calls and assignments in the text";
    FunctionVersions "function-versions" "functions" "lower/src/opt/versions.rs" "bodies of a function for the kinds of arguments that calls pass";
    EarlyReturn "early-return" "functions" "lower/src/opt/early.rs" "a first comparison that decides whether to return at once, in front of the checks of the stacks";
    DirectCalls "direct-calls" "functions" "lower/src/opt/spec.rs" "calls of the one function that was always called, without asking the closure";
    Waiting "waiting" "functions" "lower/src/opt/call.rs" "what waits in a call stays on the native stack";
    AssignedOnce "assigned-once" "functions" "lower/src/opt/state.rs" "captured variables that the text assigns once are constants";
    SeveralCallees "several-callees" "functions" "lower/src/opt/several.rs" "calls of a few functions told apart by their code";
    OneResult "one-result" "functions" "lower/src/opt/one_result.rs" "open calls that always gave one result, as in f(g(x)), as calls of one result";
    Inline "inline" "functions" "lower/src/opt/inline.rs" "callees' code as part of their callers'";
    Operators "operators" "functions" "lower/src/opt/operators.rs" "metamethods of arithmetic as part of the code that they are called from";
    InlineIterators "inline-iterators" "functions" "lower/src/opt/operators.rs" "iterators of generic loops as part of the loops";
    ShapeCells "shape-cells" "objects" "lower/src/opt/spec.rs" "fields in the slot that they always had, one check of the shape for all of a table";
    FunctionCells "function-cells" "objects" "lower/src/opt/functions.rs" "functions that fields lead to, by one look at the shape and the epoch";
    ManyShapes "many-shapes" "objects" "lower/src/opt/cached.rs" "fields of tables of many shapes from the table of lookups, in line";
    ArrayKinds "array-kinds" "objects" "lower/src/opt/spec.rs" "elements of arrays of the one kind that was always seen";
    Appends "appends" "objects" "lower/src/opt/append.rs" "stores into arrays that grow ask for the one kind of elements first";
    ArraySizes "array-sizes" "objects" "lower/src/opt/spec.rs" "tables made with room for the elements that others made there came to have, few or always about as many";
    Constructors "constructors" "objects" "lower/src/opt/constructor.rs" "tables made in line, with the shape of all their keys; their stores";
    InlineAlloc "inline-alloc" "objects" "lower/src/opt/alloc.rs" "closures and cells of captured variables made in line";
    GrowingStrings "growing-strings" "objects" "lower/src/opt/growing.rs" "strings of locals that grow are extended where they are";
    Escape "escape" "objects" "lower/src/opt/escape.rs" "tables that nobody else has are not made, their fields are values";
    EscapeClosures "escape-closures" "objects" "lower/src/opt/closures.rs" "closures that nobody else has are not made, nor are cells of their variables (needs escape)";
    Library "library" "objects" "lower/src/opt/spec.rs" "library functions in line or by their direct forms";
    QuietLoops "quiet-loops" "loops" "lower/src/opt/quiet.rs" "no look for pending work in loops that make none";
    LoopGuards "loop-guards" "loops" "lower/src/opt/facts.rs" "kinds of what a loop does not change checked on the way into it";
    Peel "peel" "loops" "codegen/src/opt/peel.rs" "the first iteration of innermost loops in front of them, so that what is the same in all is done once";
    Versions "versions" "loops" "codegen/src/opt/version.rs" "a copy of innermost loops without bounds checks, for when all of them pass";
    Unroll "unroll" "loops" "codegen/src/opt/unroll.rs" "several iterations of small innermost loops in one, so that values that move on stay where they are";
    Reassociate "reassociate" "loops" "codegen/src/opt/reassociate.rs" "sums in the order in which their parts become known";
    Words "words" "loops" "codegen/src/opt/words.rs" "one look at a loaded number for all its rotations in 32 bits, which are rotations if it has not more (needs egraph)";
    Vector "vector" "loops" "codegen/src/opt/vector/" "element by element loops over floats and integers, sums of integers: several at once (SSE2; AVX2 with -march=x86-64-v3)";
    Sink "sink" "loops" "codegen/src/opt/sink.rs" "what only ways out of loops need, or can have from what they need, is computed there";
    Truths "truths" "loops" "codegen/src/opt/truth.rs" "truth values that code only asks are the conditions that made them";
    ClosedForms "closed-forms" "loops" "codegen/src/opt/closed.rs" "what loops leave behind that only count and add, without them";
    Carry "carry" "loops" "codegen/src/opt/carry.rs" "fields that every iteration loads and stores, from one to the next in a register";
    Demanded "demanded-bits" "loops" "codegen/src/opt/demanded.rs" "no masks of bits that nobody asks for, in this iteration or the next";
    Defer "defer" "loops" "codegen/src/opt/defer.rs" "cheap operations where their results are needed, not where they are written";
    Ranges "ranges" "loops" "codegen/src/opt/gvn/" "the size of loop counters, and checks that follow from it";
    Memory "memory" "loops" "codegen/src/opt/gvn/" "no loads of what is known, no stores of what is there";
    Conditions "conditions" "loops" "codegen/src/opt/gvn/" "no checks of what branches have decided";
    Numbering "gvn" "loops" "codegen/src/opt/gvn/" "value numbering: nothing is computed twice (needed by the four above)";
    Speculation "speculation" "speculation" "lower/src/opt/spec.rs" "values are of the kind that they always were, or the code is left";
    LeaveCold "leave-cold" "speculation" "lower/src/opt/spec.rs" "code that training did not reach is left to the interpreter";
    EGraph "egraph" "back end" "superopt/src/egraph/pass.rs" "what blocks compute purely by equality saturation with proven rules";
    Windows "windows" "back end" "codegen/src/window/" "runs of machine instructions by others that were found for them before, and proven (docs/windows.md)";
    Simplify "simplify" "back end" "codegen/src/opt/simplify.rs" "constants, identities, straight lines";
    DeadCode "dce" "back end" "codegen/src/opt/dce.rs" "no code whose result nobody needs";
    FoldLoads "fold-loads" "back end" "codegen/src/select/" "loads as operands of the instructions that use them";
    FoldAddresses "fold-addresses" "back end" "codegen/src/select/addr.rs" "sums and shifts as parts of addresses";
    ColdApart "cold-apart" "back end" "codegen/src/select/layout.rs" "code that is seldom reached behind all other";
    ReuseSpilled "reuse-spilled" "back end" "codegen/src/emit/held.rs" "no load of a spill slot whose value a register still has";
    DelayLoads "delay-loads" "back end" "codegen/src/emit/delay.rs" "spill slots are loaded on the ways that want them, not before";
    HotUses "hot-uses" "back end" "codegen/src/mach/weigh.rs" "registers first for what every iteration of an innermost loop uses";
    LoopOrder "loop-order" "back end" "codegen/src/select/layout.rs" "blocks of a loop together, ways out of it behind";
    ExitsApart "exits-apart" "back end" "codegen/src/select/layout.rs" "moves on the way out of a loop behind it";
    Bmi "bmi" "processor" "codegen/src/select/bits.rs" "shifts by any register, rotations and single bits with a result of their own (-march=x86-64-v3)";
    Avx "avx" "processor" "codegen/src/select/float.rs" "scalar float arithmetic with a result of its own (-march=x86-64-v3)";
    Movbe "movbe" "processor" "codegen/src/select/bits.rs" "loads that reverse the bytes (-march=x86-64-v3)";
    Round "round" "processor" "lower/src/opt/" "floors by one instruction (-march=x86-64-v2)";
}

/// Which optimizations are on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Passes(u64);

impl Default for Passes {
    fn default() -> Passes {
        Passes::ALL
    }
}

impl Passes {
    /// Everything.
    pub const ALL: Passes = Passes((1u64 << TABLE.len()) - 1);

    /// Whether one is on.
    pub fn has(self, pass: Pass) -> bool {
        self.0 & 1u64 << pass as u8 != 0
    }
    /// Turns one on or off.
    pub fn set(&mut self, pass: Pass, on: bool) {
        match on {
            true => self.0 |= 1u64 << pass as u8,
            false => self.0 &= !(1u64 << pass as u8),
        }
    }
    /// Understands `NAME` or `no-NAME`; false: there is no such switch.
    pub fn apply(&mut self, switch: &str) -> bool {
        let (name, on) = match switch.strip_prefix("no-") {
            Some(name) => (name, false),
            None => (switch, true),
        };
        let Some(row) = TABLE.iter().find(|r| r.name == name) else {
            return false;
        };
        self.set(row.pass, on);
        true
    }
    /// For the optimizer of the IR, on a processor.
    pub fn opt_options(self, march: March) -> OptOptions {
        OptOptions {
            simplify: self.has(Pass::Simplify),
            dce: self.has(Pass::DeadCode),
            gvn: self.has(Pass::Numbering),
            memory: self.has(Pass::Memory),
            conditions: self.has(Pass::Conditions),
            ranges: self.has(Pass::Ranges),
            peel: self.has(Pass::Peel),
            versions: self.has(Pass::Versions),
            unroll: self.has(Pass::Unroll),
            reassociate: self.has(Pass::Reassociate),
            // What the question is for, the e-graph does.
            words: self.has(Pass::Words) && self.has(Pass::EGraph),
            vector: self.has(Pass::Vector),
            sink: self.has(Pass::Sink),
            truths: self.has(Pass::Truths),
            closed: self.has(Pass::ClosedForms),
            carry: self.has(Pass::Carry),
            demanded: self.has(Pass::Demanded),
            defer: self.has(Pass::Defer),
            four_lanes: self.has(Pass::Avx) && march.includes(March::V3),
            ..OptOptions::default()
        }
    }
    /// For instruction selection, on a processor.
    pub fn select_options(self, march: March) -> SelectOptions {
        SelectOptions {
            loads: self.has(Pass::FoldLoads),
            addresses: self.has(Pass::FoldAddresses),
            cold_apart: self.has(Pass::ColdApart),
            loop_order: self.has(Pass::LoopOrder),
            reuse_spilled: self.has(Pass::ReuseSpilled),
            delay_loads: self.has(Pass::DelayLoads),
            weights: self.has(Pass::HotUses),
            exits_apart: self.has(Pass::ExitsApart),
            march,
            bmi: self.has(Pass::Bmi),
            avx: self.has(Pass::Avx),
            movbe: self.has(Pass::Movbe),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_switch_turns_one_thing_off_and_on() {
        let names: HashSet<&str> = TABLE.iter().map(|r| r.name).collect();
        assert_eq!(names.len(), TABLE.len());
        let mut off = HashSet::new();
        for row in TABLE {
            let mut p = Passes::ALL;
            assert!(p.apply(&format!("no-{}", row.name)) && !p.has(row.pass));
            assert!(TABLE.iter().all(|r| p.has(r.pass) == (r.name != row.name)));
            assert!(off.insert(p.0));
            assert!(p.apply(row.name));
            assert_eq!(p, Passes::ALL);
            assert!(!row.name.starts_with("no-"));
        }
        let mut p = Passes::ALL;
        assert!(!p.apply("no-such") && !p.apply("") && p == Passes::ALL);
    }

    #[test]
    fn the_code_generator_is_told() {
        assert_eq!(Passes::ALL.opt_options(March::V1), OptOptions::ALL);
        assert_eq!(
            Passes::ALL.select_options(March::V1),
            SelectOptions::default()
        );
        let mut p = Passes::ALL;
        p.set(Pass::Peel, false);
        p.set(Pass::FoldLoads, false);
        assert!(!p.opt_options(March::V1).peel && p.opt_options(March::V3).gvn);
        assert!(!p.select_options(March::V1).loads && p.select_options(March::V3).addresses);
    }
}
