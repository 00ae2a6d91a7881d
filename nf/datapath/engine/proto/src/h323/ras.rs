//! Octets → messages by which endpoints register at a gatekeeper and ask it for calls (ITU-T
//! H.225.0 §7.7 to §7.16, RAS). Pure, bounded.

use super::per::{Aliases, Endpoint, Per};

/// What a message is in an exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Role {
    #[default]
    Request,
    Confirm,
    Reject,
    /// Neither asks nor answers.
    Notice,
}

/// A message.
#[derive(Clone, Debug, Default)]
pub(super) struct Ras<'a> {
    /// What is asked for.
    pub(super) service: &'static str,
    pub(super) role: Role,
    pub(super) sequence: u16,
    /// It says that it is H.225.0.
    pub(super) is_known: bool,
    pub(super) gatekeeper: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) source: Aliases,
    pub(super) destination: Aliases,
    pub(super) product: Option<&'a [u8]>,
    /// Where the answer has calls go, or where the asking endpoint takes them.
    pub(super) signalling: Option<Endpoint>,
    pub(super) reference: Option<u16>,
    /// In units of 100 bit/s.
    pub(super) bandwidth: Option<u32>,
    pub(super) reason: Option<&'static str>,
}

/// Services in the order of their numbers: each a request, a confirmation and a rejection.
const SERVICES: [&str; 7] = [
    "gatekeeper",
    "registration",
    "unregistration",
    "admission",
    "bandwidth",
    "disengage",
    "location",
];

/// What later versions added.
const LATER: [(&str, Role); 8] = [
    ("in_progress", Role::Notice),
    ("resources", Role::Request),
    ("resources", Role::Confirm),
    ("info", Role::Notice),
    ("info", Role::Notice),
    ("service_control", Role::Request),
    ("service_control", Role::Confirm),
    ("admission", Role::Confirm),
];

const GATEKEEPER_REASONS: [&str; 4] =
    ["resource_unavailable", "terminal_excluded", "invalid_revision", "undefined_reason"];
const REGISTRATION_REASONS: [&str; 8] = [
    "discovery_required",
    "invalid_revision",
    "invalid_call_signal_address",
    "invalid_ras_address",
    "duplicate_alias",
    "invalid_terminal_type",
    "undefined_reason",
    "transport_not_supported",
];
const UNREGISTRATION_REASONS: [&str; 3] =
    ["not_currently_registered", "call_in_progress", "undefined_reason"];
const ADMISSION_REASONS: [&str; 8] = [
    "called_party_not_registered",
    "invalid_permission",
    "request_denied",
    "undefined_reason",
    "caller_not_registered",
    "route_call_to_gatekeeper",
    "invalid_endpoint_identifier",
    "resource_unavailable",
];
const BANDWIDTH_REASONS: [&str; 6] = [
    "not_bound",
    "invalid_conference_id",
    "invalid_permission",
    "insufficient_resources",
    "invalid_revision",
    "undefined_reason",
];
const DISENGAGE_REASONS: [&str; 3] = ["forced_drop", "normal_drop", "undefined_reason"];
const DISENGAGE_REJECTIONS: [&str; 2] = ["not_registered", "request_to_drop_other"];
const LOCATION_REASONS: [&str; 4] =
    ["not_registered", "invalid_permission", "request_denied", "undefined_reason"];

/// The message of a datagram, when all that it must have is there.
pub(super) fn parse(data: &[u8]) -> Option<Ras<'_>> {
    let per = &mut Per::new(data);
    let mut ras = Ras::default();
    if per.bit()? {
        let (number, octets) = per.later_choice()?;
        (ras.service, ras.role) = *LATER.get(usize::try_from(number).ok()?)?;
        // At most seven optional parts stand in the octet before.
        ras.sequence = u16::from_be_bytes(*octets.get(1..)?.first_chunk()?).checked_add(1)?;
        return Some(ras);
    }
    let number = per.bits(5)?;
    // Additions of later versions are left alone: they stand behind all that is read.
    per.bit()?;
    match number {
        0..=20 => {
            ras.service = SERVICES.get(usize::try_from(number / 3).ok()?)?;
            ras.role = match number % 3 {
                0 => Role::Request,
                1 => Role::Confirm,
                _ => Role::Reject,
            };
        }
        21 | 22 => {
            ras.service = "info";
            ras.role = if number == 21 { Role::Request } else { Role::Confirm };
        }
        23 => (ras.service, ras.role) = ("non_standard", Role::Notice),
        24 => (ras.service, ras.role) = ("unknown_message", Role::Notice),
        _ => return None,
    }
    ras.read(number, per)?;
    Some(ras)
}

impl<'a> Ras<'a> {
    fn read(&mut self, number: u32, per: &mut Per<'a>) -> Option<()> {
        match number {
            0..=2 => self.gatekeeper(number, per),
            3..=5 => self.registration(number, per),
            6..=8 => self.unregistration(number, per),
            9..=11 => self.admission(number, per),
            12..=14 => self.bandwidth(number, per),
            15..=17 => self.disengage(number, per),
            18..=20 => self.location(number, per),
            21 => {
                per.bits(2)?;
                self.number(per)?;
                self.reference = Some(per.word()?);
                Some(())
            }
            22 => {
                let has = Has::new(3, per)?;
                self.own(has.part(0), per)?;
                self.number(per)?;
                self.product = per.endpoint_type()?;
                self.endpoint = Some(per.identifier()?);
                per.transport()?;
                self.signalling = per.transports()?;
                Some(())
            }
            _ => self.number(per),
        }
    }

    /// Ties an answer to its request.
    fn number(&mut self, per: &mut Per<'a>) -> Option<()> {
        self.sequence = per.word()?.checked_add(1)?;
        Some(())
    }

    fn own(&mut self, is_there: bool, per: &mut Per<'a>) -> Option<()> {
        if is_there { per.non_standard() } else { Some(()) }
    }

    fn named_gatekeeper(&mut self, is_there: bool, per: &mut Per<'a>) -> Option<()> {
        if is_there {
            self.gatekeeper = Some(per.identifier()?);
        }
        Some(())
    }

    fn gatekeeper(&mut self, number: u32, per: &mut Per<'a>) -> Option<()> {
        let has = Has::new(if number == 0 { 4 } else { 2 }, per)?;
        self.number(per)?;
        self.is_known = per.protocol()?;
        self.own(has.part(0), per)?;
        if number == 0 {
            per.transport()?;
            self.product = per.endpoint_type()?;
        }
        self.named_gatekeeper(has.part(1), per)?;
        match number {
            0 => {
                if has.part(2) {
                    per.call_services()?;
                }
                if has.part(3) {
                    self.source = per.aliases()?;
                }
            }
            1 => drop(per.transport()?),
            _ => self.reason = Some(reason(per, 2, &GATEKEEPER_REASONS)?),
        }
        Some(())
    }

    fn registration(&mut self, number: u32, per: &mut Per<'a>) -> Option<()> {
        let has = Has::new(if number == 5 { 2 } else { 3 }, per)?;
        self.number(per)?;
        self.is_known = per.protocol()?;
        self.own(has.part(0), per)?;
        if number == 5 {
            let reason = reason(per, 3, &REGISTRATION_REASONS)?;
            if reason == "duplicate_alias" {
                self.source = per.aliases()?;
            }
            self.reason = Some(reason);
            return self.named_gatekeeper(has.part(1), per);
        }
        if number == 3 {
            per.bit()?;
        }
        self.signalling = per.transports()?;
        if number == 3 {
            per.transports()?;
            self.product = per.endpoint_type()?;
        }
        if has.part(1) {
            self.source = per.aliases()?;
        }
        self.named_gatekeeper(has.part(2), per)?;
        if number == 3 {
            self.product = per.vendor()?.or(self.product);
        } else {
            self.endpoint = Some(per.identifier()?);
        }
        Some(())
    }

    fn unregistration(&mut self, number: u32, per: &mut Per<'a>) -> Option<()> {
        let has = Has::new(if number == 6 { 3 } else { 1 }, per)?;
        self.number(per)?;
        match number {
            6 => {
                self.signalling = per.transports()?;
                if has.part(0) {
                    self.source = per.aliases()?;
                }
                self.own(has.part(1), per)?;
                if has.part(2) {
                    self.endpoint = Some(per.identifier()?);
                }
            }
            8 => self.reason = Some(reason(per, 2, &UNREGISTRATION_REASONS)?),
            _ => {}
        }
        Some(())
    }

    fn admission(&mut self, number: u32, per: &mut Per<'a>) -> Option<()> {
        let parts = match number {
            9 => 7,
            10 => 2,
            _ => 1,
        };
        let has = Has::new(parts, per)?;
        self.number(per)?;
        match number {
            9 => {
                per.choice(2)?;
                if has.part(0) {
                    per.choice(1)?;
                }
                self.endpoint = Some(per.identifier()?);
                if has.part(1) {
                    self.destination = per.aliases()?;
                }
                if has.part(2) {
                    self.signalling = per.transport()?;
                }
                if has.part(3) {
                    per.aliases()?;
                }
                self.source = per.aliases()?;
                if has.part(4) {
                    per.transport()?;
                }
                self.bandwidth = Some(per.long_number()?);
                self.reference = Some(per.word()?);
            }
            10 => {
                self.bandwidth = Some(per.long_number()?);
                per.choice(1)?;
                self.signalling = per.transport()?;
            }
            _ => self.reason = Some(reason(per, 3, &ADMISSION_REASONS)?),
        }
        Some(())
    }

    fn bandwidth(&mut self, number: u32, per: &mut Per<'a>) -> Option<()> {
        let has = Has::new(if number == 12 { 2 } else { 1 }, per)?;
        self.number(per)?;
        match number {
            12 => {
                self.in_call(per)?;
                if has.part(0) {
                    per.choice(2)?;
                }
            }
            14 => self.reason = Some(reason(per, 3, &BANDWIDTH_REASONS)?),
            _ => {}
        }
        self.bandwidth = Some(per.long_number()?);
        Some(())
    }

    fn disengage(&mut self, number: u32, per: &mut Per<'a>) -> Option<()> {
        Has::new(1, per)?;
        self.number(per)?;
        match number {
            15 => {
                self.in_call(per)?;
                self.reason = Some(reason(per, 2, &DISENGAGE_REASONS)?);
            }
            17 => self.reason = Some(reason(per, 1, &DISENGAGE_REJECTIONS)?),
            _ => {}
        }
        Some(())
    }

    fn location(&mut self, number: u32, per: &mut Per<'a>) -> Option<()> {
        let has = Has::new(if number == 18 { 2 } else { 1 }, per)?;
        self.number(per)?;
        match number {
            18 => {
                if has.part(0) {
                    self.endpoint = Some(per.identifier()?);
                }
                self.destination = per.aliases()?;
                self.own(has.part(1), per)?;
                per.transport()?;
            }
            19 => {
                self.signalling = per.transport()?;
                per.transport()?;
            }
            _ => self.reason = Some(reason(per, 2, &LOCATION_REASONS)?),
        }
        Some(())
    }

    /// Whose call it is about.
    fn in_call(&mut self, per: &mut Per<'a>) -> Option<()> {
        self.endpoint = Some(per.identifier()?);
        per.octets(16)?;
        self.reference = Some(per.word()?);
        Some(())
    }
}

/// Which optional parts a message has.
#[derive(Clone, Copy)]
struct Has {
    bits: u32,
    count: u32,
}

impl Has {
    fn new(count: u32, per: &mut Per<'_>) -> Option<Self> {
        Some(Self { bits: per.bits(count)?, count })
    }

    fn part(self, number: u32) -> bool {
        let place = self.count.saturating_sub(number).saturating_sub(1);
        self.bits >> place & 1 == 1
    }
}

/// A reason among those of the first version; later ones are `other`.
fn reason(per: &mut Per<'_>, bits: u32, known: &[&'static str]) -> Option<&'static str> {
    let number = per.choice(bits)?;
    let word = number.and_then(|n| known.get(usize::try_from(n).ok()?).copied());
    Some(word.unwrap_or("other"))
}
