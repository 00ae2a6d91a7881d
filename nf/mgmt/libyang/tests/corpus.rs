//! What fuzzing begins with, and what it once found.

mod support;

use nf_libyang::fuzzing::hostile;
use support::{config, zoo};

#[test]
fn every_input_of_the_corpus_is_refused_or_taken_whole() {
    let zoo = zoo();
    let base = config(
        &zoo,
        "<name>A</name><queue>x</queue><enclosure><name>a</name><size>1</size></enclosure>",
    );
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/yang");
    let mut taken = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus is there") {
        let path = entry.expect("it can be read").path();
        let octets = std::fs::read(&path).expect("it can be read");
        taken += hostile(&zoo, &base, &octets).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    }
    assert!(taken >= 8, "good input is in it, too: {taken}");
}
