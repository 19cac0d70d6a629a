//! Live progress on standard error: bars on a terminal, plain lines (at most one a second) when piped.

use super::progress::{Progress, Seen, Snapshot};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Time between two plain lines: not below a second, so that logs stay short.
const LINES: Duration = Duration::from_secs(1);
/// Time between two drawings of the bars.
const BARS: Duration = Duration::from_millis(200);

/// How progress is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// Bars on a terminal, lines elsewhere.
    Auto,
    /// Lines.
    Lines,
    /// Not at all.
    Quiet,
}

/// Shows progress until it is dropped.
#[derive(Debug)]
pub struct Display {
    /// Dropping the sender ends the thread.
    ender: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Display {
    /// Begins to show a run's progress.
    pub fn start(progress: &Arc<Progress>, style: Style) -> Display {
        let bars = style == Style::Auto && std::io::stderr().is_terminal();
        if style == Style::Quiet {
            return Display {
                ender: None,
                thread: None,
            };
        }
        let progress = Arc::clone(progress);
        let (ender, end) = channel::<()>();
        let thread = std::thread::spawn(move || {
            let mut before = progress.snapshot();
            let mut bars = bars.then(Bars::new);
            let period = if bars.is_some() { BARS } else { LINES };
            while end.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
                let now = progress.snapshot();
                match &mut bars {
                    Some(b) => b.draw(&before, &now),
                    None => print_lines(&before, &now),
                }
                before = now;
            }
            if let Some(b) = bars {
                b.clear();
            }
        });
        Display {
            ender: Some(ender),
            thread: Some(thread),
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.ender = None;
        if let Some(t) = self.thread.take() {
            // A display that panicked is no reason to lose the run.
            let _ = t.join();
        }
    }
}

fn print_lines(before: &Snapshot, now: &Snapshot) {
    let mut stderr = std::io::stderr().lock();
    for line in lines(before, now) {
        // A closed pipe is no reason to end the run.
        let _ = writeln!(stderr, "{line}");
    }
}

/// One line for all engines together when there are several, with what each has reached.
pub fn lines(before: &Snapshot, now: &Snapshot) -> Vec<String> {
    let head = match now.title.is_empty() {
        true => format!("[{}]", clock(now.elapsed)),
        false => format!("[{}] {}:", clock(now.elapsed), now.title),
    };
    let engines: Vec<String> = now.engines.iter().map(|e| engine(before, now, e)).collect();
    let left = match (now.left, now.spent) {
        (Some(left), _) => format!("; {} left", clock(left)),
        (None, Some(spent)) => format!("; {:.0} % of the budget spent", spent * 100.0),
        (None, None) => String::new(),
    };
    vec![format!("{head} {}{left}", engines.join("; "))]
}

/// `chain synthesis: 1.2 M live proposals/s, 31 M tests/s, best 12, proofs 3/4`.
fn engine(before: &Snapshot, now: &Snapshot, e: &Seen) -> String {
    let was = before.engines.iter().find(|b| b.engine == e.engine);
    let seconds = (now.elapsed.saturating_sub(before.elapsed)).as_secs_f64();
    let rate = |now: u64, before: u64| match seconds > 0.0 {
        true => now.saturating_sub(before) as f64 / seconds,
        false => 0.0,
    };
    let (live, tests) = was.map_or((0, 0), |w| (w.work.live, w.work.tests));
    let best = e.best.map_or("none yet".into(), |b| format!("{b}"));
    let doing = if e.doing.is_empty() {
        String::new()
    } else {
        format!(" {}", e.doing)
    };
    format!(
        "{}{doing}: {} live proposals/s, {} tests/s, best {best}, proofs {}/{}",
        e.engine,
        human(rate(e.work.live, live)),
        human(rate(e.work.tests, tests)),
        e.work.proven,
        e.work.proofs,
    )
}

/// `999`, `1.2 k`, `31 M`: two digits that matter.
pub fn human(n: f64) -> String {
    let (value, unit) = match n {
        n if n < 1e3 => return format!("{n:.0}"),
        n if n < 1e6 => (n / 1e3, "k"),
        n if n < 1e9 => (n / 1e6, "M"),
        n => (n / 1e9, "G"),
    };
    match value < 10.0 {
        true => format!("{value:.1} {unit}"),
        false => format!("{value:.0} {unit}"),
    }
}

/// `0:07`, `12:00`, `3:00:00`.
pub fn clock(d: Duration) -> String {
    let s = d.as_secs();
    match s >= 3600 {
        true => format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60),
        false => format!("{}:{:02}", s / 60, s % 60),
    }
}

/// One bar for the run and a line per engine.
struct Bars {
    multi: MultiProgress,
    run: ProgressBar,
    engines: Vec<ProgressBar>,
    /// Rates over two seconds, not over one drawing.
    history: std::collections::VecDeque<Snapshot>,
}

impl Bars {
    fn new() -> Bars {
        let multi = MultiProgress::new();
        let style = ProgressStyle::with_template("{prefix} [{bar:40}] {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        let run = multi.add(ProgressBar::new(1000).with_style(style));
        Bars {
            multi,
            run,
            engines: Vec::new(),
            history: std::collections::VecDeque::new(),
        }
    }

    fn draw(&mut self, before: &Snapshot, now: &Snapshot) {
        self.history.push_back(before.clone());
        while self.history.len() > 10 {
            self.history.pop_front();
        }
        let oldest = self.history.front().unwrap_or(before);
        let part = match (now.left, now.spent) {
            (Some(left), _) => {
                let all = (now.elapsed + left).as_secs_f64();
                if all > 0.0 {
                    now.elapsed.as_secs_f64() / all
                } else {
                    1.0
                }
            }
            (None, Some(spent)) => spent,
            (None, None) => 0.0,
        };
        self.run.set_position((part * 1000.0) as u64);
        self.run.set_prefix(now.title.clone());
        let left = now
            .left
            .map_or(String::new(), |l| format!(", {} left", clock(l)));
        self.run
            .set_message(format!("{}{left}", clock(now.elapsed)));
        while self.engines.len() < now.engines.len() {
            let style = ProgressStyle::with_template("  {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            self.engines
                .push(self.multi.add(ProgressBar::new_spinner().with_style(style)));
        }
        for (i, bar) in self.engines.iter().enumerate() {
            bar.set_message(
                now.engines
                    .get(i)
                    .map_or(String::new(), |e| engine(oldest, now, e)),
            );
        }
    }

    fn clear(self) {
        // Nothing to be done about a terminal that is gone.
        let _ = self.multi.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::deadline::Deadline;
    use super::super::progress::Work;
    use super::*;

    #[test]
    fn a_plain_line_says_all_of_it() {
        let progress = Progress::new(&Deadline::after(Duration::from_secs(7200)));
        progress.begin("p20", true);
        let chain = progress.meter("chain");
        chain.doing("synthesis");
        let mut before = progress.snapshot();
        before.elapsed = Duration::from_secs(8);
        chain.add(Work {
            proposals: 9_000_000,
            live: 2_400_000,
            tests: 62_000_000,
            restarts: 1,
            proofs: 4,
            proven: 3,
        });
        chain.reached(12.0, 100);
        let mut now = progress.snapshot();
        now.elapsed = Duration::from_secs(10);
        now.left = Some(Duration::from_secs(3605));
        progress.meter("quasar");
        assert_eq!(
            lines(&before, &now),
            [
                "[0:10] p20: chain synthesis: 1.2 M live proposals/s, 31 M tests/s, best 12, proofs 3/4; 1:00:05 left"
            ]
        );
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!(human(999.0), "999");
        assert_eq!(human(1234.0), "1.2 k");
        assert_eq!(human(31_000_000.0), "31 M");
        assert_eq!(human(2.5e9), "2.5 G");
        assert_eq!(clock(Duration::from_secs(725)), "12:05");
    }

    #[test]
    fn a_display_ends_at_once() {
        let progress = Progress::new(&Deadline::never());
        for style in [Style::Quiet, Style::Lines, Style::Auto] {
            drop(Display::start(&progress, style));
        }
    }
}
