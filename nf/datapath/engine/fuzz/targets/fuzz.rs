//! One libFuzzer binary for all targets: `NF_FUZZ_TARGET` names a registered protocol, `session`
//! (classification of any session) or `wire` (headers of a frame). `tools/fuzz.py` runs it.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use nf_proto::registry::{self, Entry};
use nf_wire::{LinkType, Packet};

enum Target {
    Protocol(&'static Entry),
    Session,
    Wire,
}

fn target() -> &'static Target {
    static TARGET: OnceLock<Target> = OnceLock::new();
    TARGET.get_or_init(|| match std::env::var("NF_FUZZ_TARGET").as_deref() {
        Ok("session") => Target::Session,
        Ok("wire") => Target::Wire,
        Ok(name) => match registry::by_name(name) {
            Some(entry) => Target::Protocol(entry),
            None => stop(&format!("no protocol is called {name}")),
        },
        Err(_) => stop("NF_FUZZ_TARGET names no target"),
    })
}

fn stop(why: &str) -> ! {
    eprintln!("fuzz: {why} · tools/fuzz.py --list shows them");
    std::process::exit(2)
}

fuzz_target!(|data: &[u8]| {
    match target() {
        Target::Protocol(entry) => nf_proto::fuzzing::protocol(entry, data),
        Target::Session => nf_proto::fuzzing::session(data).expect("memory is given back"),
        Target::Wire => {
            let Some((&[high, low], frame)) = data.split_first_chunk::<2>() else { return };
            let link = LinkType::from_dlt(u16::from_be_bytes([high, low]).into());
            let mut packet = Packet::default();
            let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
            nf_wire::decode(link, frame, length, &mut packet);
            for ip in packet.ips() {
                let end = ip.payload as usize + ip.payload_captured as usize;
                assert!(end <= frame.len(), "a payload ends behind its frame");
            }
        }
    }
});
