//! The page as a browser sees it.

use super::*;
use crate::report::samples;
use crate::run::files::TestDir;
use std::path::Path;
use std::process::{Command, Stdio};

/// Markup as a list of the tags that are open at its end; panics when they are not nested properly.
fn check_nesting(html: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end = rest.find('>').expect("a tag ends");
        let (tag, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        if tag.starts_with('!') || tag.ends_with('/') {
            continue;
        }
        let name = tag
            .trim_start_matches('/')
            .split_whitespace()
            .next()
            .unwrap_or("");
        if ["meta", "br"].contains(&name) {
            continue;
        }
        match tag.starts_with('/') {
            true => assert_eq!(
                open.pop(),
                Some(name),
                "before {}",
                &rest[..rest.len().min(80)]
            ),
            false => open.push(name),
        }
        if name == "style" && !tag.starts_with('/') {
            rest = &rest[rest.find("</style>").expect("the style ends")..];
        }
    }
    assert_eq!(open, [""; 0]);
}

#[test]
fn pages_are_well_formed_and_self_contained() {
    for (i, document) in samples::all().into_iter().enumerate() {
        let html = page(&document);
        check_nesting(&html);
        // To look at them: TRINITY_KEEP_PAGES=DIR.
        if let Some(dir) = std::env::var_os("TRINITY_KEEP_PAGES") {
            std::fs::write(Path::new(&dir).join(format!("{i}.html")), &html).unwrap();
            std::fs::write(
                Path::new(&dir).join(format!("{i}.json")),
                document.to_json(),
            )
            .unwrap();
            std::fs::write(Path::new(&dir).join(format!("{i}.txt")), document.to_text()).unwrap();
        }
        for outside in [
            "http:", "https:", "src=", "@import", "url(", "<script", "<link",
        ] {
            assert!(!html.contains(outside), "{outside}");
        }
        // What a report holds is text, whatever is in it.
        assert!(
            !html.contains("<without>") && !html.contains("<shipped>") && !html.contains("<not>")
        );
        // No id twice.
        let mut ids: Vec<&str> = html
            .split(" id=\"")
            .skip(1)
            .map(|s| s.split('"').next().unwrap())
            .collect();
        let n = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), n, "{ids:?}");
    }
}

#[test]
fn links_lead_below_the_report_only() {
    let mut r = samples::proven();
    for bad in ["javascript:alert(1)", "/etc/passwd", "../x", "a//b"] {
        r.queries[0].smt_file = Some(bad.into());
        assert!(
            !page(&r.clone().into()).contains(&format!("href=\"{bad}")),
            "{bad}"
        );
    }
    r.queries[0].smt_file = Some("smt/eax.smt2".into());
    assert!(page(&r.into()).contains("href=\"smt/eax.smt2\""));
}

/// Chromium, if there is one.
fn chromium() -> Option<&'static str> {
    ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| {
            let status = Command::new(name)
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            status.is_ok_and(|s| s.success())
        })
}

/// The page's document as the browser built it. `None` without a browser; where the project's tests run in full, one is
/// required (`TRINITY_REQUIRE_BROWSER`).
fn rendered(dir: &Path, name: &str, html: &str) -> Option<String> {
    let Some(browser) = chromium() else {
        assert!(
            std::env::var_os("TRINITY_REQUIRE_BROWSER").is_none(),
            "no chromium to open the page with"
        );
        eprintln!("skipped: no chromium to open the page with");
        return None;
    };
    let file = dir.join(format!("{name}.html"));
    std::fs::write(&file, html).unwrap();
    let out = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--enable-logging=stderr",
        ])
        .arg(format!("--user-data-dir={}", dir.join("profile").display()))
        .arg("--dump-dom")
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let log = String::from_utf8_lossy(&out.stderr).into_owned();
    // What pages do wrong (a blocked resource, markup it cannot use) comes as a message of the console.
    let console: Vec<&str> = log.lines().filter(|l| l.contains("CONSOLE")).collect();
    assert!(console.is_empty(), "{console:?}");
    Some(String::from_utf8(out.stdout).unwrap())
}

fn count(dom: &str, needle: &str) -> usize {
    dom.matches(needle).count()
}

#[test]
fn a_browser_shows_the_refutation() {
    let dir = TestDir::new("html-refuted");
    let r = samples::refuted();
    let Some(dom) = rendered(&dir.0, "refuted", &page(&r.into())) else {
        return;
    };
    assert!(
        dom.contains("id=\"verdict\"") && dom.contains("<b>Refuted</b>"),
        "{dom}"
    );
    assert_eq!(count(&dom, "tr class=\"differs\""), 1);
    assert_eq!(count(&dom, "tr class=\"diverges\""), 1);
    assert!(dom.contains("first divergent step: the carry out of bit 31 is lost"));
    // Both listings: seven instructions; the counterexample's value by model and processor, in outputs and steps.
    assert_eq!(count(&dom, "<td class=\"at\">"), 7);
    assert!(count(&dom, "0x80000000") >= 4);
    assert!(dom.contains("average &lt;without&gt; the carry"));
    assert!(dom.contains("trinityc equiv p14.s wrong.s --function p14"));
}

#[test]
fn a_browser_shows_the_run() {
    let dir = TestDir::new("html-search");
    let Some(dom) = rendered(&dir.0, "search", &page(&samples::search().into())) else {
        return;
    };
    assert_eq!(count(&dom, "<path class=\"line\""), 4, "a curve per engine");
    assert_eq!(
        count(&dom, "<rect class=\"bar\""),
        4,
        "latency and throughput, before and after"
    );
    assert!(
        dom.contains("<b>1</b> <i>of 2 targets</i>"),
        "targets with a find"
    );
    for id in [
        "t0-target",
        "t0-cost",
        "t0-path",
        "t0-met",
        "t0-proof",
        "t1-target",
        "rules",
        "again",
        "trusted",
    ] {
        assert_eq!(count(&dom, &format!("id=\"{id}\"")), 1, "{id}");
    }
    assert!(dom.contains("<b>Proven</b>") && dom.contains("Bitwuzla 0.9.1"));
    assert!(dom.contains("href=\"smt/eax.smt2\""));
    assert!(dom.contains("trinityc search search-configs/quick.toml --seed 7 --jobs 2"));
}

#[test]
fn a_browser_shows_batch_and_phi() {
    let dir = TestDir::new("html-other");
    let batch = samples::batch();
    let Some(dom) = rendered(&dir.0, "batch", &page(&batch.clone().into())) else {
        return;
    };
    // Rows: changed, the slowest, and all.
    let rows = 1 + batch.slowest.len() + batch.items.len();
    assert_eq!(count(&dom, "<td>add-zero</td>"), 3);
    assert_eq!(count(&dom, "<tr>") - count(&dom, "<thead>"), rows);
    assert!(dom.contains("<b>2</b> <i>of 4</i>"));
    let code = batch.items[0].programs.as_ref().expect("one is about code");
    assert_eq!(
        count(&dom, "<td class=\"at\">"),
        code.left.lines.len() + code.right.lines.len()
    );
    assert!(dom.contains(&code.left.sha256[..8]) && dom.contains("id=\"code-0\""));
    let phi = crate::report::Phi::decide();
    let folds = phi
        .identity
        .iter()
        .chain(&phi.formula)
        .filter(|f| f.folds)
        .count();
    let all = phi.identity.len() + phi.formula.len();
    let dom = rendered(&dir.0, "phi", &page(&phi.into())).unwrap();
    assert_eq!(count(&dom, "✓ folds"), folds);
    assert_eq!(count(&dom, "✗ does not fold"), all - folds);
    assert!(dom.contains("id=\"conclusion\""));
}
