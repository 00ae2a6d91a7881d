//! Octets → messages of H.225.0 call signalling: frames of TPKT (RFC 1006), messages of Q.931, and
//! what H.225.0 puts into them. Pure, bounded.

use super::per::{Aliases, Endpoint, Per};
use crate::Cursor;

/// Octets of a frame's header.
pub(super) const HEADER: usize = 4;
/// Most elements of a message.
const MAX_ELEMENTS: usize = 64;

/// Information elements of Q.931 (§4.5).
mod element {
    pub(super) const CAUSE: u8 = 0x08;
    pub(super) const DISPLAY: u8 = 0x28;
    pub(super) const CALLING: u8 = 0x6c;
    pub(super) const CALLED: u8 = 0x70;
    pub(super) const USER: u8 = 0x7e;
}

/// A message.
#[derive(Clone, Debug, Default)]
pub(super) struct Message<'a> {
    pub(super) kind: &'static str,
    /// Number of the call at the side that began it.
    pub(super) reference: u16,
    /// From the side that did not begin the call.
    pub(super) from_callee: bool,
    pub(super) calling: Option<&'a [u8]>,
    pub(super) called: Option<&'a [u8]>,
    pub(super) display: Option<&'a [u8]>,
    pub(super) cause: Option<u8>,
    pub(super) user: User<'a>,
}

/// What H.225.0 adds.
#[derive(Clone, Debug, Default)]
pub(super) struct User<'a> {
    /// It says that it is H.225.0.
    pub(super) is_known: bool,
    pub(super) call_id: Option<&'a [u8]>,
    pub(super) source: Aliases,
    pub(super) destination: Aliases,
    pub(super) product: Option<&'a [u8]>,
    /// Where H.245 is listened for.
    pub(super) h245: Option<Endpoint>,
    pub(super) reason: Option<&'static str>,
}

/// The length of the frame that begins here; `None` when none does. Fewer octets than a header are
/// not enough to tell.
pub(super) fn frame_length(data: &[u8]) -> Option<usize> {
    let &[3, 0, high, low] = data.first_chunk()? else { return None };
    let length = usize::from(u16::from_be_bytes([high, low]));
    (length >= HEADER).then_some(length)
}

fn kind(number: u8) -> Option<&'static str> {
    Some(match number {
        0x01 => "alerting",
        0x02 => "call_proceeding",
        0x03 => "progress",
        0x05 => "setup",
        0x07 => "connect",
        0x0d => "setup_acknowledge",
        0x0f => "connect_acknowledge",
        0x45 => "disconnect",
        0x4d => "release",
        0x5a => "release_complete",
        0x62 => "facility",
        0x6e => "notify",
        0x75 => "status_inquiry",
        0x7b => "information",
        0x7d => "status",
        _ => return None,
    })
}

/// The message of a frame; `None` when it is none, or its elements do not fill it.
pub(super) fn parse(data: &[u8]) -> Option<Message<'_>> {
    let mut c = Cursor::new(data);
    (c.u8()? == 8 && c.u8()? == 2).then_some(())?;
    let reference = c.u16()?;
    let mut message = Message {
        kind: kind(c.u8()?)?,
        reference: reference & 0x7fff,
        from_callee: reference & 0x8000 != 0,
        ..Message::default()
    };
    // Elements of other code sets have other meanings; a shift is for the next one or for all.
    let (mut set, mut locked) = (0, 0);
    for _ in 0..MAX_ELEMENTS {
        if c.is_empty() {
            return Some(message);
        }
        let id = c.u8()?;
        if id & 0x80 != 0 {
            if id & 0xf0 == 0x90 {
                set = id & 7;
                locked = if id & 8 == 0 { set } else { locked };
            }
            continue;
        }
        let value = if id == element::USER { c.prefixed_u16()? } else { c.prefixed_u8()? };
        if set == 0 {
            message.element(id, value);
        }
        set = locked;
    }
    None
}

impl<'a> Message<'a> {
    fn element(&mut self, id: u8, value: &'a [u8]) {
        match id {
            element::CAUSE => {
                self.cause =
                    behind_extended(value).and_then(<[u8]>::first).map(|octet| octet & 0x7f);
            }
            element::DISPLAY => {
                // An octet with its first bit set tells the alphabet.
                let marked = value.first().is_some_and(|first| first & 0x80 != 0);
                self.display = value.get(usize::from(marked)..);
            }
            element::CALLING => self.calling = behind_extended(value).filter(|n| !n.is_empty()),
            element::CALLED => self.called = behind_extended(value).filter(|n| !n.is_empty()),
            element::USER => {
                // What it says is H.225.0's where it is encoded by X.680's rules.
                if let Some((5, octets)) = value.split_first() {
                    let _partly = self.user.read(&mut Per::new(octets));
                }
            }
            _ => {}
        }
    }
}

/// What follows an octet that others may extend: the last one has its first bit set.
fn behind_extended(value: &[u8]) -> Option<&[u8]> {
    let last = value.iter().position(|octet| octet & 0x80 != 0)?;
    value.get(last.checked_add(1)?..)
}

/// Reasons of a release, as H.225.0 numbers them.
const RELEASE_REASONS: [&str; 12] = [
    "no_bandwidth",
    "gatekeeper_resources",
    "unreachable_destination",
    "destination_rejection",
    "invalid_revision",
    "no_permission",
    "unreachable_gatekeeper",
    "gateway_resources",
    "bad_format_address",
    "adaptive_busy",
    "in_conference",
    "undefined_reason",
];

/// Those that later versions added.
const LATER_RELEASE_REASONS: [&str; 10] = [
    "facility_call_deflection",
    "security_denied",
    "called_party_not_registered",
    "caller_not_registered",
    "new_connection_needed",
    "non_standard_reason",
    "replace_with_conference_invite",
    "generic_data_reason",
    "needed_feature_not_supported",
    "tunnelled_signalling_rejected",
];

impl<'a> User<'a> {
    /// Reads as far as it goes: what a later version or a maker changed ends it.
    fn read(&mut self, per: &mut Per<'a>) -> Option<()> {
        // Whether more follows, for both records around the body.
        per.bits(4)?;
        let body = per.choice(3)??;
        let later = per.bit()?;
        match body {
            0 => self.setup(per, later),
            1 | 3 => {
                let has_address = per.bit()?;
                self.is_known = per.protocol()?;
                self.product = per.endpoint_type()?;
                self.h245 = if has_address { per.transport()? } else { None };
                self.identified(per, later, 0)
            }
            2 => {
                let has_address = per.bit()?;
                self.is_known = per.protocol()?;
                self.h245 = if has_address { per.transport()? } else { None };
                self.product = per.endpoint_type()?;
                per.octets(16)?;
                self.identified(per, later, 0)
            }
            4 => {
                self.is_known = per.protocol()?;
                self.identified(per, later, 0)
            }
            5 => {
                let has_reason = per.bit()?;
                self.is_known = per.protocol()?;
                if has_reason {
                    self.reason = Some(release_reason(per)?);
                }
                self.identified(per, later, 0)
            }
            _ => self.facility(per, later),
        }
    }

    fn setup(&mut self, per: &mut Per<'a>, later: bool) -> Option<()> {
        let has = per.bits(7)?;
        let has = |part: u32| has & 0x40 >> part != 0;
        self.is_known = per.protocol()?;
        if has(0) {
            self.h245 = per.transport()?;
        }
        if has(1) {
            self.source = per.aliases()?;
        }
        self.product = per.endpoint_type()?;
        if has(2) {
            self.destination = per.aliases()?;
        }
        if has(3) {
            per.transport()?;
        }
        if has(4) {
            per.aliases()?;
        }
        if has(5) {
            per.words()?;
        }
        per.bit()?;
        per.octets(16)?;
        per.choice(2)?;
        if has(6) {
            per.call_services()?;
        }
        per.choice(2)?;
        self.identified(per, later, 2)
    }

    fn facility(&mut self, per: &mut Per<'a>, later: bool) -> Option<()> {
        let (has_address, has_alias, has_conference) = (per.bit()?, per.bit()?, per.bit()?);
        self.is_known = per.protocol()?;
        if has_address {
            per.transport()?;
        }
        if has_alias {
            per.aliases()?;
        }
        if has_conference {
            per.octets(16)?;
        }
        per.choice(2)?;
        self.identified(per, later, 0)
    }

    /// The call's identifier, the addition of this number.
    fn identified(&mut self, per: &mut Per<'a>, later: bool, number: usize) -> Option<()> {
        if later {
            per.additions(|n, octets| {
                if n == number {
                    self.call_id = octets.get(1..17);
                }
            })?;
        }
        Some(())
    }
}

fn release_reason(per: &mut Per<'_>) -> Option<&'static str> {
    let (known, number) = if per.bit()? {
        (&LATER_RELEASE_REASONS[..], per.later_choice()?.0)
    } else {
        (&RELEASE_REASONS[..], per.bits(4)?)
    };
    Some(known.get(usize::try_from(number).ok()?).copied().unwrap_or("other"))
}
