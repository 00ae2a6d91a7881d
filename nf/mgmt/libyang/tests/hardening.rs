//! Threads, memory, hostile input.

mod support;

use std::sync::Arc;
use std::thread;

use nf_libyang::{Context, DefaultOperation, Defaults, ErrorOption, Format, Kind, Operation, Tree};
use support::{config, edit, xml, zoo};

/// Octets that this process has in memory.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = text.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number");
    // SAFETY: asks for a constant of the system.
    pages * usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).expect("positive")
}

fn one_round(context: &Context, n: usize) {
    let mut tree = config(
        context,
        "<name>A</name><enclosure><name>a</name><size>1</size></enclosure><queue>x</queue>",
    );
    let good = format!(
        "<limit>{n}</limit><queue yang:insert='first'>y</queue><enclosure nc:operation='replace'>\
         <name>a</name></enclosure><star>zt:lion</star><notes><x xmlns='urn:x'/></notes>"
    );
    let diff = edit(&mut tree, &good).expect("edits");
    tree.validate(false).map(drop).unwrap_or_else(|e| assert!(n == 0, "{e}"));
    let bad = "<name>B</name><share>900</share>";
    assert_eq!(edit(&mut tree, bad).expect_err("too much").problems[0].tag, "invalid-value");
    tree.apply(&diff.reversed().expect("reverses")).expect("fits");
    let filter = b"<zoo xmlns='urn:example:zoo'><enclosure><name>a</name></enclosure></zoo>";
    assert!(!tree.select_subtree(filter).expect("selects").is_empty());
    assert!(tree.select_xpath("//size").expect("selects").len() <= 4);
    assert!(tree.get("/zoo:zoo/none").is_err());
    tree.to_data(None, true).expect("converts");
    let call = b"<close xmlns='urn:example:zoo'/>";
    let call = Operation::parse(context, call).expect("parses");
    call.reply(&support::number("visitors", 1)).expect("replies");
    assert!(call.reply(&support::number("visitors", -1)).is_err());
}

#[test]
fn thousands_of_rounds_leave_no_memory_behind() {
    let zoo = zoo();
    for n in 0..300 {
        one_round(&zoo, n);
    }
    let before = resident();
    for n in 0..2000 {
        one_round(&zoo, n);
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 4 << 20, "grew by {grown} octets");
}

#[test]
fn threads_share_a_context_and_have_errors_of_their_own() {
    let zoo = Arc::new(zoo());
    let workers: Vec<_> = (0..8_usize)
        .map(|id| {
            let zoo = Arc::clone(&zoo);
            thread::spawn(move || {
                for n in 0..100 {
                    let mut tree = config(&zoo, "<name>A</name>");
                    let wrong = 200 + id * 100 + n;
                    let error =
                        edit(&mut tree, &format!("<big>{wrong}x</big>")).expect_err("wrong");
                    assert_eq!(error.problems.len(), 1, "{error}");
                    assert!(error.to_string().contains(&format!("{wrong}x")), "{error}");
                    one_round(&zoo, n + 1);
                }
                config(&zoo, "<name>Sent</name>")
            })
        })
        .collect();
    for worker in workers {
        let tree = worker.join().expect("no thread fails");
        assert!(xml(&tree).contains("Sent"), "a tree goes to another thread");
    }
}

#[test]
fn a_tree_outlives_every_other_handle_of_its_context() {
    let tree = config(&zoo(), "<name>A</name>");
    assert!(xml(&tree).contains("<name>A</name>"));
}

/// A small generator, so that a failure can be had again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).expect("small")
    }
}

const SEEDS: [&str; 6] = [
    "<config xmlns:nc='urn:ietf:params:xml:ns:netconf:base:1.0'><zoo xmlns='urn:example:zoo'>\
     <enclosure nc:operation='replace'><name>a</name><animal><species xmlns:t='urn:example:zoo-types'>\
     t:lion</species><nr>1</nr></animal></enclosure><hay><bales>1</bales></hay></zoo></config>",
    "<zoo xmlns='urn:example:zoo' xmlns:yang='urn:ietf:params:xml:ns:yang:1'><queue \
     yang:insert='before' yang:value='x'>q</queue><notes><a xmlns='urn:n'><b>1</b></a></notes></zoo>",
    "{\"zoo:zoo\":{\"name\":\"A\",\"enclosure\":[{\"name\":\"x\",\"size\":3}],\"tag\":[\"a\"],\
     \"flag\":[null],\"notes\":{\"x:y\":[1,2,{\"z\":null}]}}}",
    "<close xmlns='urn:example:zoo'><reason>r</reason></close>",
    "<action xmlns='urn:ietf:params:xml:ns:yang:1'><zoo xmlns='urn:example:zoo'><enclosure><name>a\
     </name><feed><amount>3</amount></feed></enclosure></zoo></action>",
    "/zoo:zoo/enclosure[name='a' or position()=1]/animal[species='zoo-types:lion'][nr=1]/nick",
];

fn mangled(dice: &mut Dice) -> Vec<u8> {
    let mut text = SEEDS[dice.roll(SEEDS.len())].as_bytes().to_vec();
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(text.len().max(1));
        match dice.roll(5) {
            0 if !text.is_empty() => text[at] = u8::try_from(dice.roll(256)).expect("an octet"),
            1 => text.truncate(at),
            2 => {
                let other = SEEDS[dice.roll(SEEDS.len())].as_bytes();
                let from = dice.roll(other.len());
                let piece = other[from..].iter().take(40).copied().collect::<Vec<_>>();
                text.splice(at..at, piece);
            }
            3 => {
                let piece: Vec<u8> = text[at..].iter().take(30).copied().collect();
                text.splice(at..at, piece);
            }
            _ => drop(text.splice(at..(at + dice.roll(20)).min(text.len()), [])),
        }
    }
    text
}

#[test]
fn mangled_input_is_refused_or_taken_and_never_crashes() {
    let zoo = zoo();
    let mut dice = Dice(0x5eed_1234_5678_9abc);
    let mut taken = 0;
    for _ in 0..6000 {
        let text = mangled(&mut dice);
        let mut tree = config(&zoo, "<queue>x</queue><enclosure><name>a</name></enclosure>");
        let before = xml(&tree);
        match tree.edit(&text, DefaultOperation::Merge, ErrorOption::RollbackOnError) {
            Ok(diff) => {
                taken += 1;
                tree.apply(&diff.reversed().expect("reverses")).expect("fits");
                assert_eq!(xml(&tree), before, "{}", String::from_utf8_lossy(&text));
            }
            Err(_) => assert_eq!(xml(&tree), before, "{}", String::from_utf8_lossy(&text)),
        }
        for format in [Format::Xml, Format::Json] {
            if let Ok(mut tree) = Tree::parse(&zoo, &text, format, Kind::Data) {
                taken += 1;
                tree.validate(true).map(drop).unwrap_or_default();
                tree.print(Format::Json, Defaults::ReportAll, true).expect("prints");
                tree.to_data(None, true).expect("converts");
            }
            Tree::notification(&zoo, &text, format).map(drop).unwrap_or_default();
        }
        Operation::parse(&zoo, &text).map(drop).unwrap_or_default();
        tree.select_subtree(&text).map(drop).unwrap_or_default();
        if let Ok(text) = std::str::from_utf8(&text) {
            tree.select_xpath(text).map(drop).unwrap_or_default();
            tree.get(text).map(drop).unwrap_or_default();
            tree.set(text, Some("1")).unwrap_or_default();
        }
    }
    assert!(taken > 100, "the generator makes good input, too: {taken}");
}
