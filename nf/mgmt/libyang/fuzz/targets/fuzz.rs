//! libFuzzer's binary of the target `yang`: XML, JSON, edits, differences and paths from outside,
//! on the tests' modules. `tools/fuzz.py` runs it.
#![no_main]

use std::cell::OnceCell;

use libfuzzer_sys::fuzz_target;
use nf_libyang::{Context, Format, Kind, Tree};

const BASE: &str = "<zoo xmlns='urn:example:zoo'><name>A</name><queue>x</queue>\
                    <enclosure><name>a</name><size>1</size></enclosure></zoo>";

fn begin() -> (Context, Tree) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/yang").to_string();
    let modules =
        [("zoo-types".to_string(), vec![]), ("zoo".to_string(), vec!["night".to_string()])];
    let context = Context::load(&[folder], &modules).expect("the test modules load");
    let base = Tree::parse(&context, BASE.as_bytes(), Format::Xml, Kind::Config).expect("parses");
    (context, base)
}

fuzz_target!(|data: &[u8]| {
    thread_local!(static BEGUN: OnceCell<(Context, Tree)> = const { OnceCell::new() });
    BEGUN.with(|begun| {
        let (context, base) = begun.get_or_init(begin);
        nf_libyang::fuzzing::hostile(context, base, data).expect("refused, or taken whole");
    });
});
