//! The bench report as one self-contained page.

use super::contestant::Contestant;
use super::report::{BASES, Summary};
use std::fmt::Write;

const STYLE: &str = "body{font:14px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;font-size:12px}td,th{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child{text-align:left}h2{margin-top:2rem}.ours{font-weight:600}svg text{font:11px system-ui,sans-serif}";

/// Text as it may stand in a page, between tags or in quotes.
pub(crate) fn escape(s: &str) -> String {
    s.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn colour(c: Contestant) -> &'static str {
    match c {
        Contestant::Gcc => "#888",
        Contestant::Compiled => "#c0392b",
        Contestant::Trained => "#7b241c",
        Contestant::Native => "#512e5f",
        Contestant::Interpreted => "#e67e22",
        Contestant::LuaJit => "#2980b9",
        Contestant::LuaJitOff => "#85c1e9",
        Contestant::Lua => "#1a5276",
        Contestant::Node => "#27ae60",
        Contestant::PyPy => "#8e44ad",
        Contestant::Python => "#bb8fce",
    }
}

/// Bars of time relative to `base`, on a logarithmic axis.
fn plot(s: &Summary, base: Contestant, who: &[Contestant]) -> String {
    let (left, width, bar) = (110.0, 760.0, 9.0);
    let group = bar * who.len() as f64 + 8.0;
    let ratios: Vec<f64> = s
        .outcomes
        .iter()
        .flat_map(|o| {
            who.iter()
                .filter_map(|c| o.ratio(*c, base))
                .map(|x| x.median)
        })
        .collect();
    let (lo, hi) = ratios
        .iter()
        .fold((0.5f64, 2.0f64), |(a, b), r| (a.min(*r), b.max(*r)));
    let x = |r: f64| left + width * (r / lo).ln() / (hi / lo).ln();
    let height = group * s.outcomes.len() as f64 + 30.0;
    let mut t = format!("<svg viewBox='0 0 900 {height:.0}' width='100%'>");
    let mut tick = 10f64.powf(lo.log10().floor());
    while tick <= hi {
        for m in [1.0, 2.0, 5.0] {
            let v = tick * m;
            if v >= lo && v <= hi {
                let _ = write!(
                    t,
                    "<line x1='{0:.1}' x2='{0:.1}' y1='0' y2='{1:.0}' stroke='#eee'/><text x='{0:.1}' y='{2:.0}' text-anchor='middle'>{v}</text>",
                    x(v),
                    height - 20.0,
                    height - 6.0
                );
            }
        }
        tick *= 10.0;
    }
    let one = x(1.0);
    for (i, o) in s.outcomes.iter().enumerate() {
        let y0 = i as f64 * group;
        let _ = write!(
            t,
            "<text x='{}' y='{:.1}' text-anchor='end'>{}</text>",
            left - 6.0,
            y0 + group / 2.0,
            escape(&o.name)
        );
        for (k, c) in who.iter().enumerate() {
            if let Some(r) = o.ratio(*c, base) {
                let (a, b) = (x(r.median).min(one), x(r.median).max(one));
                let y = y0 + k as f64 * bar;
                let _ = write!(
                    t,
                    "<rect x='{a:.1}' y='{y:.1}' width='{w:.1}' height='{h:.1}' fill='{fill}'><title>{who} on {name}: {r:.2} [{min:.2}-{max:.2}]</title></rect>\
                     <line x1='{x1:.1}' x2='{x2:.1}' y1='{mid:.1}' y2='{mid:.1}' stroke='#000' stroke-width='.7'/>",
                    w = (b - a).max(1.0),
                    h = bar - 2.0,
                    fill = colour(*c),
                    who = c.key(),
                    name = escape(&o.name),
                    r = r.median,
                    min = r.min,
                    max = r.max,
                    x1 = x(r.min),
                    x2 = x(r.max),
                    mid = y + bar / 2.0 - 1.0,
                );
            }
        }
    }
    t.push_str("</svg>");
    t
}

/// The page.
pub fn page(s: &Summary) -> String {
    let present = s.present();
    let mut t = format!(
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Trinity benchmarks</title><style>{STYLE}</style><h1>Trinity benchmarks</h1>\
         <p>{} programs, {} interleaved rounds, size: {}. Times are processor seconds; ratios are taken within rounds; ranges are least and greatest.</p><p>",
        s.outcomes.len(),
        s.runs,
        s.size
    );
    for c in &present {
        let _ = write!(
            t,
            "<span style='color:{}'>&#9632;</span> {} &nbsp; ",
            colour(*c),
            c.key()
        );
    }
    t.push_str("</p>");
    for base in BASES.into_iter().filter(|b| present.contains(b)) {
        let who: Vec<Contestant> = present.iter().copied().filter(|c| *c != base).collect();
        let _ = write!(
            t,
            "<h2>Time divided by {}'s</h2>{}",
            base.key(),
            plot(s, base, &who)
        );
        t.push_str("<table><tr><th>program</th>");
        for c in &who {
            let _ = write!(t, "<th>{}</th>", c.key());
        }
        t.push_str("</tr>");
        for o in &s.outcomes {
            let _ = write!(
                t,
                "<tr><td title='{}'>{}</td>",
                escape(&o.what),
                escape(&o.name)
            );
            for c in &who {
                let cell = o.ratio(*c, base).map_or("-".into(), |x| {
                    format!("{:.2} <small>[{:.2}-{:.2}]</small>", x.median, x.min, x.max)
                });
                let class = if *c == Contestant::Compiled {
                    " class='ours'"
                } else {
                    ""
                };
                let _ = write!(t, "<td{class}>{cell}</td>");
            }
            t.push_str("</tr>");
        }
        t.push_str("<tr><th>geometric mean</th>");
        for c in &who {
            let cell = s
                .mean(*c, base)
                .map_or("-".into(), |(m, n)| format!("{m:.3} ({n})"));
            let _ = write!(t, "<th>{cell}</th>");
        }
        t.push_str("</tr></table>");
    }
    let _ = write!(
        t,
        "<h2>Figures</h2><pre>{}</pre></html>",
        escape(&s.table())
    );
    t
}
