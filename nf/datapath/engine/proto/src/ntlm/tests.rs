//! Messages in, names out.
#![allow(clippy::arithmetic_side_effects, reason = "lengths of hand-built packets are small")]

use proptest::prelude::*;

use super::*;

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A message with fields behind its head: each gives a length, a capacity and an offset.
fn message(kind: u32, head: &[&[u8]], flags: u32, middle: &[u8], after: Option<&[u8]>) -> Vec<u8> {
    let mut out = b"NTLMSSP\0".to_vec();
    out.extend(kind.to_le_bytes());
    let fields = head.len() + usize::from(after.is_some());
    let mut at = u32::try_from(12 + 8 * fields + 4 + middle.len() + 8).unwrap();
    let mut data: Vec<u8> = Vec::new();
    let mut place = |octets: &[u8], out: &mut Vec<u8>| {
        let length = u16::try_from(octets.len()).unwrap();
        out.extend(length.to_le_bytes());
        out.extend(length.to_le_bytes());
        out.extend(at.to_le_bytes());
        at += u32::from(length);
        data.extend(octets);
    };
    for octets in head {
        place(octets, &mut out);
    }
    out.extend(flags.to_le_bytes());
    out.extend(middle);
    if let Some(octets) = after {
        place(octets, &mut out);
    }
    out.extend([10, 0, 0x61, 0x4a, 0, 0, 0, 15]);
    out.extend(data);
    out
}

/// An answer by keeper of HARBOUR at HERON, in base 64.
pub(crate) const TOKEN: &[u8] = b"TlRMTVNTUAADAAAAAAAAAAAAAAAAAAAAAAAAAA4ADgBAAAAADAAMAE4AAAAKAAoAWgAAAAAAAAAAAAAAAQAAAEgAQQBSAEIATwBVAFIAawBlAGUAcABlAHIASABFAFIATwBOAA==";

/// An answer by the same, as octets.
pub(crate) fn answer(flags: u32, response: &[u8]) -> Vec<u8> {
    let parts = [&b""[..], response, &wide("HARBOUR"), &wide("keeper"), &wide("HERON"), b""];
    message(3, &parts, flags, b"", None)
}

#[test]
fn an_answer_names_user_domain_workstation_and_software() {
    let mut ntlm = Ntlm::default();

    assert_eq!(ntlm.learn(&answer(UNICODE | VERSION, &[7; 60])), Some(Kind::Authenticate));

    assert_eq!(ntlm.user, Some(Text::from("keeper")));
    assert_eq!(ntlm.domain, Some(Text::from("HARBOUR")));
    assert_eq!(ntlm.workstation, Some(Text::from("HERON")));
    assert_eq!(ntlm.version, Some(Text::from("10.0 build 19041 rev 15")));
    assert_eq!((ntlm.ntlm_version, ntlm.anonymous), (Some(2), Some(false)));
}

#[test]
fn the_length_of_the_response_tells_its_version() {
    let mut ntlm = Ntlm::default();

    ntlm.learn(&answer(UNICODE, &[7; 24]));

    assert_eq!(ntlm.ntlm_version, Some(1));
    assert_eq!(ntlm.version, None);
}

#[test]
fn a_challenge_describes_the_server() {
    let mut info = Vec::new();
    for (kind, name) in [(2u16, "HARBOUR"), (1, "QUAY"), (4, "harbour.example"), (3, "quay.x")] {
        info.extend(kind.to_le_bytes());
        info.extend(u16::try_from(2 * name.len()).unwrap().to_le_bytes());
        info.extend(wide(name));
    }
    info.extend([0; 4]);
    let octets =
        message(2, &[&wide("HARBOUR")], UNICODE | VERSION, &[1; 16], Some(info.as_slice()));
    let mut ntlm = Ntlm::default();

    assert_eq!(ntlm.learn(&[&[0x60, 0x28, 6, 6], &octets[..]].concat()), Some(Kind::Challenge));

    assert_eq!(ntlm.target, Some(Text::from("HARBOUR")));
    assert_eq!(ntlm.server_nb_computer_name, Some(Text::from("QUAY")));
    assert_eq!(ntlm.server_dns_computer_name, Some(Text::from("quay.x")));
    assert_eq!(ntlm.server_dns_domain_name, Some(Text::from("harbour.example")));
    assert_eq!(ntlm.server_version, Some(Text::from("10.0 build 19041 rev 15")));
}

#[test]
fn a_buffer_that_points_outside_is_not_read() {
    let mut octets = answer(UNICODE, &[7; 24]);
    octets.truncate(100);

    assert_eq!(Ntlm::default().learn(&octets), None);
}

#[test]
fn the_challenge_and_its_response_are_not_kept() {
    let mut ntlm = Ntlm::default();
    ntlm.learn(&message(2, &[&wide("HARBOUR")], UNICODE, b"SECRETSECRET0000", Some(b"")));
    ntlm.learn(&answer(UNICODE, b"SECRETSECRETSECRETSECRET"));

    assert!(!format!("{ntlm:?}").contains("SECRET"));
}

#[test]
fn a_header_carries_a_message_in_base_64() {
    let mut ntlm = Ntlm::default();
    let value = [b"Negotiate ", TOKEN].concat();

    assert_eq!(ntlm.learn_header(&value), Some(Kind::Authenticate));
    assert_eq!(ntlm.user, Some(Text::from("keeper")));
    assert_eq!(ntlm.learn_header(b"Basic a2VlcGVyOng="), None);
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(input in prop::collection::vec(any::<u8>(), 0..200), kind in 0u32..5) {
        let mut octets = SIGNATURE.to_vec();
        octets.extend(kind.to_le_bytes());
        octets.extend(input);
        Ntlm::default().learn(&octets);
    }
}
