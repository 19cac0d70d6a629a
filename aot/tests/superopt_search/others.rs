//! Runs of other kinds: rules mined, parameters tuned, costs measured, the report about phi.

use super::common::{Scratch, text};
use super::{code, output};

/// Mining is a run like a search: rules of files proven, more mined, both compared, and it goes on where it was.
#[test]
fn rules_are_mined_from_a_configuration() {
    let s = Scratch::new("rules-mine");
    s.write(
        "r.rules",
        "family t\nand-self: x & x => x\nor-absorbs: x | (x & y) => x\neq-self: x == x => 1\nodd: popcnt(x) => popcnt(~(~x))\n",
    );
    s.write(
        "c.toml",
        "name = 'mine'\nkind = 'rules'\ndeadline = '5m'\n[rules]\nfiles = ['*.rules']\nwidths = [8, 32]\n[rules.mine]\n\
         operations = ['and', 'or', 'eq']\nconstants = []\nvariables = 2\nsize = 2\noutput = 'out/mine/mined.rules'\n",
    );
    let o = output(
        s.path(),
        &["rules", "mine", "c.toml", "-q", "--deadline", "0"],
    );
    assert_eq!(code(&o), 0, "{}", text(&o.stderr));
    assert_eq!(s.json("out/mine/run.json")["ended"], "deadline");
    assert!(
        text(&o.stderr).contains("rules mine --resume out/mine"),
        "{}",
        text(&o.stderr)
    );
    let o = output(
        s.path(),
        &[
            "rules",
            "mine",
            "--resume",
            "out/mine",
            "-q",
            "--deadline",
            "0",
        ],
    );
    assert_eq!(code(&o), 20, "{}", text(&o.stderr));
    let o = output(
        s.path(),
        &[
            "rules",
            "mine",
            "--resume",
            "out/mine",
            "-q",
            "--deadline",
            "300",
        ],
    );
    assert_eq!(code(&o), 0, "{}", text(&o.stderr));
    let run = s.json("out/mine/run.json");
    assert_eq!(
        (run["ended"].as_str(), run["resumed"].as_u64()),
        (Some("done"), Some(1))
    );
    let rules = run["rules"].as_array().unwrap();
    assert!(rules.iter().all(|r| r["verdict"] == "proven"), "{rules:?}");
    let named = |n: &str| rules.iter().find(|r| r["name"] == n).unwrap();
    assert_eq!(named("and-self")["widths"], serde_json::json!([8, 32]));
    let mined = std::fs::read_to_string(s.file("out/mine/mined.rules")).unwrap();
    assert!(mined.contains("x == x => 1"), "{mined}");
    // All that could be mined of the written rules is derived by the mined ones.
    let table = &run["tables"][0]["rows"];
    assert_eq!(
        (table[1][1].as_str(), table[1][2].as_str()),
        (Some("3"), Some("3")),
        "{table}"
    );
    let o = output(s.path(), &["rules", "verify", "out/mine/mined.rules"]);
    assert_eq!(code(&o), 0, "{}", text(&o.stdout));
    let o = output(s.path(), &["search", "c.toml"]);
    assert_eq!(code(&o), 18, "{}", text(&o.stderr));
    assert!(text(&o.stderr).contains("trinityc rules mine c.toml"));
    s.write(
        "typo.toml",
        "name = 'm'\nkind = 'rules'\nstore = 's'\n[rules.mine]\noperations = ['and', 'orr']\n",
    );
    let o = output(s.path(), &["rules", "mine", "typo.toml"]);
    assert_eq!(code(&o), 18, "{}", text(&o.stderr));
    assert!(
        text(&o.stderr).contains("typo.toml:3: store: of no use"),
        "{}",
        text(&o.stderr)
    );
    assert!(
        text(&o.stderr).contains("'orr' cannot be mined"),
        "{}",
        text(&o.stderr)
    );
}

#[test]
fn phi_is_reported() {
    let s = Scratch::new("report-phi");
    let o = output(s.path(), &["report", "phi"]);
    assert_eq!(code(&o), 0, "{}", text(&o.stderr));
    assert!(
        text(&o.stdout).contains("The authority is exact evaluation"),
        "{}",
        text(&o.stdout)
    );
    let o = output(s.path(), &["report", "phi", "--json"]);
    let value: serde_json::Value = serde_json::from_slice(&o.stdout).unwrap();
    assert_eq!(value["report"], "phi");
}

#[test]
fn tuning_compares_on_kernels_it_was_not_tuned_on() {
    let s = Scratch::new("tune");
    s.write(
        "t.toml",
        "name = 't'\nkind = 'tune'\ntargets = ['p01', 'p03']\ndeadline = '60s'\n[engine.chain]\n[tune]\npopulation = 4\n\
         generations = 1\nrepeat = 1\nproposals = 2_000\n[[tune.parameter]]\nkey = 'engine.chain.beta'\nlow = 0.02\nhigh = 2\nlog = true\n",
    );
    let o = output(s.path(), &["tune", "t.toml"]);
    assert_eq!(code(&o), 0, "{}", text(&o.stderr));
    let run = s.json("out/t/run.json");
    assert_eq!(run["tables"][0]["rows"][0][0], "engine.chain.beta");
    let note = run["tables"][1]["note"].as_str().unwrap();
    assert!(
        note.contains("the default stays") || note.contains("held out: 48 pairs"),
        "{note}"
    );
}

#[test]
fn calibration_writes_a_file_of_costs() {
    let s = Scratch::new("calibrate");
    let o = output(
        s.path(),
        &[
            "calibrate",
            "--quick",
            "--only",
            "add r32",
            "-o",
            "costs.toml",
        ],
    );
    assert_eq!(code(&o), 0, "{}", text(&o.stderr));
    let table = trinity_superopt::measure::costs::load(&s.file("costs.toml")).unwrap();
    assert!(!table.rows().is_empty() && table.rows().len() < 10);
}
