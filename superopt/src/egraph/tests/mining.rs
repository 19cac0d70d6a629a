//! Rules mined, and how instances of rules are named.

use super::*;

#[test]
fn mining_finds_the_classics_and_nothing_twice() {
    let config = MineConfig {
        ops: ["&", "|", "~"].map(str::to_owned).to_vec(),
        vars: 2,
        constants: Vec::new(),
        depth: 2,
        ..MineConfig::default()
    };
    let mined = mine::mine(&config, &solvers(), &mut |_| {}, &|| false).expect("operations exist");
    let rules = &mined.rules.rules;
    assert!(rules.len() >= 5 && !mined.stopped, "{}", mined.text);
    // It parses as it is written.
    let mut again = RuleSet::default();
    again.add("mined.rules", &mined.text).expect("parses");
    assert_eq!(again.rules.len(), rules.len());
    let hand = {
        let mut set = RuleSet::default();
        set.add(
            "t",
            "family t\na: x & y => y & x\nb: ~(~x) => x\nc: x & (x | y) => x\nd: x | x => x\n",
        )
        .expect("parses");
        set
    };
    let covered = mine::coverage(rules, &hand.rules);
    assert!(covered.missing.is_empty(), "{covered:?}\n{}", mined.text);
    for i in 0..rules.len() {
        let mut others = rules.clone();
        let one = others.remove(i);
        assert!(
            !mine::derives(&others, &one),
            "{} is derived by the others",
            one.text
        );
    }
    let bad = MineConfig {
        ops: vec!["frob".into()],
        ..config
    };
    assert!(mine::mine(&bad, &solvers(), &mut |_| {}, &|| false).is_err());
}

#[test]
fn comparisons_are_mined_and_mining_goes_on_where_it_was() {
    let config = MineConfig {
        ops: ["-", "eq", "ult"].map(str::to_owned).to_vec(),
        constants: vec![0],
        depth: 2,
        ..MineConfig::default()
    };
    let mut places = Vec::new();
    let whole = mine::mine_from(
        &config,
        &solvers(),
        mine::Saved::default(),
        &mut |_| {},
        &|| false,
        &mut |s| places.push(s.clone()),
    )
    .expect("operations exist");
    let has = |text: &str| whole.rules.rules.iter().any(|r| r.text == text);
    assert!(has("0 == (x - y) => x == y"), "{}", whole.text);
    assert!(
        has("x <u x => 0") && has("x == y <=> y == x"),
        "{}",
        whole.text
    );
    // From the middle, the same comes out.
    let middle = places[places.len() / 2].clone();
    assert!(middle.done > 0 && !middle.rules.is_empty());
    let rest = mine::mine_from(
        &config,
        &solvers(),
        middle,
        &mut |_| {},
        &|| false,
        &mut |_| (),
    )
    .expect("operations exist");
    assert_eq!(rest.text, whole.text);
    assert_eq!(
        (rest.derived, rest.unproven),
        (whole.derived, whole.unproven)
    );
    let stopped = mine::mine(&config, &solvers(), &mut |_| {}, &|| true).expect("operations exist");
    assert!(stopped.stopped);
}

#[test]
fn instances_name_rule_width_and_direction() {
    let shipped = RuleSet::shipped();
    let rule = shipped.get("de-morgan-and").expect("shipped");
    let all = Instance::of(rule, rule.instances(&[32])[0]).expect("makes sense");
    let names: Vec<String> = all.iter().map(|i| i.name.to_string()).collect();
    assert_eq!(names, ["de-morgan-and@32", "de-morgan-and@32~"]);
}
