//! Replays the fuzz corpus: what was found once stays found.

use std::path::{Path, PathBuf};

use nf_proto::fuzzing;
use nf_proto::registry::{self, PROTOCOLS};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus")
}

fn inputs(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .into_iter()
        .filter(|path| path.is_file())
        .map(|path| {
            let octets = std::fs::read(&path).unwrap();
            (path, octets)
        })
        .collect()
}

#[test]
fn every_input_of_a_protocol_is_survived() {
    for folder in std::fs::read_dir(corpus()).unwrap() {
        let folder = folder.unwrap().path();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        match name.as_str() {
            // Headers of frames are another crate's.
            "wire" => {}
            "session" => {
                for (path, octets) in inputs(&folder) {
                    fuzzing::session(&octets).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                }
            }
            _ => {
                let entry = registry::by_name(&name)
                    .unwrap_or_else(|| panic!("the corpus has {name}, the registry has not"));
                for (_, octets) in inputs(&folder) {
                    fuzzing::protocol(entry, &octets);
                }
            }
        }
    }
}

#[test]
fn every_protocol_that_is_read_has_seeds() {
    for entry in PROTOCOLS {
        let read = !(entry.info.message)().is_empty() || !(entry.info.transaction)().is_empty();
        let folder = corpus().join(entry.info.name);
        assert!(
            !read || (folder.is_dir() && !inputs(&folder).is_empty()),
            "{} has no seeds in fuzz/corpus; `python tools/fuzz.py --seed` makes them of captures",
            entry.info.name
        );
    }
}
