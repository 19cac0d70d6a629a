//! Plots as inline SVG: costs over time, and measured times with their confidence intervals.

use super::esc;
use crate::report::parts::Interval;
use crate::report::search::Curve;
use crate::run::display::human;
use std::fmt::Write;

const WIDTH: f64 = 1040.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 40.0;
/// Colours of series, repeated after the last.
const COLOURS: usize = 6;

/// A scale from values to positions.
#[derive(Clone, Copy)]
struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    log: bool,
}

impl Scale {
    fn at(&self, value: f64) -> f64 {
        let f = |v: f64| {
            if self.log {
                v.max(f64::MIN_POSITIVE).ln()
            } else {
                v
            }
        };
        let (low, high) = (f(self.low), f(self.high));
        let part = if high > low {
            (f(value) - low) / (high - low)
        } else {
            0.5
        };
        self.from + part.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Values for ticks: powers of ten, or a round step that gives four to nine of them.
    fn ticks(&self) -> Vec<f64> {
        if self.log {
            let first = self.low.log10().ceil() as i32;
            let last = self.high.log10().floor() as i32;
            let step = (1 + (last - first) / 8).max(1);
            return (first..=last)
                .step_by(step as usize)
                .map(|e| 10f64.powi(e))
                .collect();
        }
        let span = self.high - self.low;
        if span <= 0.0 {
            return vec![self.low];
        }
        let rough = span / 5.0;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|m| m * power)
            .find(|s| *s >= rough)
            .unwrap_or(power * 10.0);
        let mut out = Vec::new();
        let mut n = (self.low / step).ceil();
        while n * step <= self.high + step * 1e-9 {
            out.push(n * step);
            n += 1.0;
        }
        out
    }
}

fn number(n: f64) -> String {
    match n.abs() {
        a if a >= 1000.0 => human(n),
        a if a >= 10.0 || a == 0.0 || n == n.round() => format!("{n:.0}"),
        a if a >= 1.0 => format!("{n:.1}"),
        _ => format!("{n}"),
    }
}

/// The legend of some series with what each ended at.
pub(super) fn legend(names: &[(String, String)]) -> String {
    let item = |(i, (name, value)): (usize, &(String, String))| {
        format!(
            "<span><i class=\"k{0}\" style=\"background:var(--s{0})\"></i><b class=\"k{0}\">{1}</b> {2}</span>",
            i % COLOURS,
            esc(name),
            esc(value)
        )
    };
    let items: String = names.iter().enumerate().map(item).collect();
    format!("<div class=\"legend\">{items}</div>\n")
}

/// Best cost over time per engine. Over seconds when every point has them, else over proposals; logarithmic over more than
/// three orders of magnitude. `None` when there is nothing to draw.
pub(super) fn cost_over_time(curves: &[Curve]) -> Option<String> {
    let points: Vec<_> = curves
        .iter()
        .flat_map(|c| &c.points)
        .filter(|p| p.cost.is_finite())
        .collect();
    if points.is_empty() {
        return None;
    }
    let timed = points.iter().all(|p| p.seconds.is_some());
    let x_of = |p: &crate::report::search::Point| match (timed, p.seconds) {
        (true, Some(s)) => s,
        _ => p.proposals as f64,
    };
    let fold = |f: fn(f64, f64) -> f64, start: f64, values: &mut dyn Iterator<Item = f64>| {
        values.fold(start, f)
    };
    let last = fold(
        f64::max,
        f64::MIN_POSITIVE,
        &mut points.iter().map(|p| x_of(p)),
    );
    let least = if timed { 1e-3 } else { 1.0 };
    let first = fold(
        f64::min,
        last,
        &mut points.iter().map(|p| x_of(p).max(least)),
    );
    let log = last / first > 1000.0;
    let top = fold(f64::max, 0.0, &mut points.iter().map(|p| p.cost));
    let bottom = fold(f64::min, top, &mut points.iter().map(|p| p.cost));
    let x = Scale {
        low: if log { first } else { 0.0 },
        high: last * if log { 1.6 } else { 1.04 },
        from: LEFT,
        to: WIDTH - RIGHT,
        log,
    };
    let y_log = bottom > 0.0 && top / bottom > 50.0;
    let y = Scale {
        low: if y_log { bottom / 1.3 } else { 0.0 },
        high: if y_log {
            top * 1.3
        } else {
            (top * 1.08).max(1.0)
        },
        from: HEIGHT - BOTTOM,
        to: TOP,
        log: y_log,
    };
    let mut s = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"best cost over time per engine\">\n"
    );
    // Writing to a string cannot fail, here and below.
    for t in y.ticks() {
        let at = y.at(t);
        let _ = writeln!(
            s,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            at + 4.0,
            number(t)
        );
    }
    for t in x.ticks() {
        let at = x.at(t);
        let _ = writeln!(
            s,
            "<line class=\"axis\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{0:.1}\" y2=\"{1:.1}\"/>\
             <text x=\"{at:.1}\" y=\"{2:.1}\" text-anchor=\"middle\">{3}</text>",
            HEIGHT - BOTTOM,
            HEIGHT - BOTTOM + 5.0,
            HEIGHT - BOTTOM + 18.0,
            number(t)
        );
    }
    let _ = writeln!(
        s,
        "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{1:.1}\" y2=\"{1:.1}\"/>\
         <text x=\"{2:.1}\" y=\"{3:.1}\" text-anchor=\"end\">{4}</text>",
        WIDTH - RIGHT,
        HEIGHT - BOTTOM,
        WIDTH - RIGHT,
        HEIGHT - 6.0,
        if timed { "seconds" } else { "proposals" }
    );
    for (i, c) in curves.iter().enumerate() {
        let mut path = String::new();
        let mut dots = String::new();
        let mut before = None;
        for p in c.points.iter().filter(|p| p.cost.is_finite()) {
            let (px, py) = (x.at(x_of(p)), y.at(p.cost));
            let _ = match before {
                None => write!(path, "M{px:.1} {py:.1}"),
                // A best cost holds until the next one.
                Some(_) => write!(path, "H{px:.1}V{py:.1}"),
            };
            let _ = write!(
                dots,
                "<circle class=\"dot\" cx=\"{px:.1}\" cy=\"{py:.1}\" r=\"3\"><title>{}: cost {} at {}</title></circle>",
                esc(&c.engine),
                p.cost,
                if timed {
                    format!("{:.2} s", x_of(p))
                } else {
                    format!("{} proposals", p.proposals)
                }
            );
            before = Some(py);
        }
        if before.is_some() {
            let _ = write!(path, "H{:.1}", WIDTH - RIGHT);
            let _ = writeln!(
                s,
                "<g class=\"k{}\"><path class=\"line\" d=\"{path}\"/>{dots}</g>",
                i % COLOURS
            );
        }
    }
    s.push_str("</svg>\n");
    Some(s)
}

/// Measured times as bars with their intervals: name, class that gives the colour, time.
pub(super) fn bars(rows: &[(String, &str, Interval)]) -> String {
    const ROW: f64 = 30.0;
    const NAMES: f64 = 250.0;
    let width = WIDTH;
    let height = ROW * rows.len() as f64 + 26.0;
    let top = rows.iter().map(|r| r.2.high).fold(0.0, f64::max);
    let x = Scale {
        low: 0.0,
        high: if top > 0.0 { top * 1.25 } else { 1.0 },
        from: NAMES,
        to: width - RIGHT,
        log: false,
    };
    let mut s = format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"measured times with confidence intervals\">\n"
    );
    for t in x.ticks() {
        let at = x.at(t);
        let _ = writeln!(
            s,
            "<line class=\"grid\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"0\" y2=\"{0:.1}\"/>\
             <text x=\"{at:.1}\" y=\"{1:.1}\" text-anchor=\"middle\">{2} ns</text>",
            height - 22.0,
            height - 6.0,
            (t * 1e6).round() / 1e6
        );
    }
    for (i, (name, class, v)) in rows.iter().enumerate() {
        let y = ROW * i as f64 + 5.0;
        let (mid, text) = (y + 9.0, y + 13.0);
        let (low, high, end) = (x.at(v.low), x.at(v.high), x.at(v.value));
        let name = esc(name);
        let bar = end - NAMES;
        let _ = writeln!(
            s,
            "<g class=\"{class}\"><text class=\"strong\" x=\"0\" y=\"{text:.1}\">{name}</text>\
             <rect class=\"bar\" x=\"{NAMES}\" y=\"{y:.1}\" width=\"{bar:.1}\" height=\"18\" rx=\"3\"/>\
             <path class=\"ci\" d=\"M{low:.1} {mid:.1}H{high:.1}M{low:.1} {y:.1}v18M{high:.1} {y:.1}v18\"/>\
             <text class=\"strong\" x=\"{:.1}\" y=\"{text:.1}\">{:.2} ns</text></g>",
            high + 8.0,
            v.value,
        );
    }
    s.push_str("</svg>\n");
    s
}
