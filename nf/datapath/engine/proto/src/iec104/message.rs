//! Octets → APDUs (IEC 60870-5-104) and ASDUs (IEC 60870-5-101 §7): pure, no state, no panic.

use crate::Cursor;

/// First octet of an APDU.
pub const START: u8 = 0x68;
/// Octets that the length does not count.
const UNCOUNTED: usize = 2;
/// Causes of transmission.
pub mod cause {
    /// A command.
    pub const ACTIVATION: u8 = 6;
    /// Its confirmation.
    pub const ACTIVATION_CON: u8 = 7;
    /// A command taken back.
    pub const DEACTIVATION: u8 = 8;
    /// Confirmation of that.
    pub const DEACTIVATION_CON: u8 = 9;
    /// A command is done.
    pub const TERMINATION: u8 = 10;
    /// Something was asked for.
    pub const REQUEST: u8 = 5;
    /// The first of the reasons of a refusal.
    pub const UNKNOWN_TYPE: u8 = 44;
    /// The last of them.
    pub const UNKNOWN_OBJECT: u8 = 47;
}

/// What an APDU is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apci {
    /// Numbered, with an ASDU.
    Information { sent: u16, received: u16 },
    /// Acknowledges.
    Supervisory { received: u16 },
    /// Starts, stops or tests.
    Unnumbered { function: u8 },
}

/// What the octets in front are.
#[derive(Debug)]
pub enum Head<'a> {
    /// An APDU with its ASDU, of so many octets.
    Apdu(Apci, &'a [u8], usize),
    /// The beginning of one that needs so many octets.
    Partial(usize),
    /// Something else.
    Bad,
}

/// Reads the APDU in front.
pub fn head(data: &[u8]) -> Head<'_> {
    let mut c = Cursor::new(data);
    let Some(start) = c.u8() else { return Head::Partial(UNCOUNTED) };
    if start != START {
        return Head::Bad;
    }
    let Some(length) = c.u8() else { return Head::Partial(UNCOUNTED) };
    if !(4..=253).contains(&length) {
        return Head::Bad;
    }
    let whole = usize::from(length).saturating_add(UNCOUNTED);
    let Some(counted) = c.take(length.into()) else { return Head::Partial(whole) };
    let Some((control, asdu)) = counted.split_first_chunk::<4>() else { return Head::Bad };
    let [low, high, received_low, received_high] = *control;
    let received = u16::from_le_bytes([received_low, received_high]);
    let apci = match low & 3 {
        _ if received & 1 == 1 => return Head::Bad,
        0 | 2 => {
            let sent = u16::from_le_bytes([low, high]) >> 1;
            Apci::Information { sent, received: received >> 1 }
        }
        1 if low == 1 && high == 0 && asdu.is_empty() => {
            Apci::Supervisory { received: received >> 1 }
        }
        3 if high == 0 && received == 0 && asdu.is_empty() && function_word(low) != "unknown" => {
            Apci::Unnumbered { function: low }
        }
        _ => return Head::Bad,
    };
    if matches!(apci, Apci::Information { .. }) && asdu.is_empty() {
        return Head::Bad;
    }
    Head::Apdu(apci, asdu, whole)
}

/// The word for an unnumbered function.
pub fn function_word(function: u8) -> &'static str {
    match function {
        0x07 => "startdt_act",
        0x0b => "startdt_con",
        0x13 => "stopdt_act",
        0x23 => "stopdt_con",
        0x43 => "testfr_act",
        0x83 => "testfr_con",
        _ => "unknown",
    }
}

/// An ASDU taken apart.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asdu {
    /// Type.
    pub kind: u8,
    /// Objects follow one another by address.
    pub is_sequence: bool,
    /// Objects.
    pub count: u8,
    /// Cause of transmission.
    pub cause: u8,
    /// A confirmation that refuses.
    pub is_negative: bool,
    /// Not for real.
    pub is_test: bool,
    /// Whose command it is.
    pub originator: u8,
    /// Station.
    pub common_address: u16,
    /// First object.
    pub object: Option<u32>,
    /// Its value, for the types that have one number.
    pub value: Option<f64>,
    /// Quality of the value, or the qualifier of a command.
    pub quality: Option<u8>,
    /// The objects do not fill it as their type and number say.
    pub is_misfit: bool,
}

/// Takes an ASDU apart; `None` when it is shorter than its header.
pub fn asdu(octets: &[u8]) -> Option<Asdu> {
    let mut c = Cursor::new(octets);
    let kind = c.u8()?;
    let qualifier = c.u8()?;
    let cause = c.u8()?;
    let mut asdu = Asdu {
        kind,
        is_sequence: qualifier & 0x80 != 0,
        count: qualifier & 0x7f,
        cause: cause & 0x3f,
        is_negative: cause & 0x40 != 0,
        is_test: cause & 0x80 != 0,
        originator: c.u8()?,
        common_address: c.u16_le()?,
        ..Asdu::default()
    };
    let objects = c;
    if let Some([low, middle, high]) = c.array() {
        asdu.object = Some(u32::from_le_bytes([low, middle, high, 0]));
        (asdu.value, asdu.quality) = value(kind, &mut c);
    }
    if let Some(size) = element_octets(kind) {
        let count = usize::from(asdu.count);
        let expected = if asdu.is_sequence {
            count.saturating_mul(size).saturating_add(3)
        } else {
            count.saturating_mul(size.saturating_add(3))
        };
        asdu.is_misfit = expected != objects.remaining();
    }
    Some(asdu)
}

/// The number a first object has, and its quality or qualifier.
fn value(kind: u8, c: &mut Cursor<'_>) -> (Option<f64>, Option<u8>) {
    let number = match kind {
        // One octet holds both.
        1 | 30 | 45 | 58 => {
            let octet = c.u8();
            return (octet.map(|o| f64::from(o & 1)), octet.map(|o| o & 0xfe));
        }
        3 | 31 | 46 | 47 | 59 | 60 => {
            let octet = c.u8();
            return (octet.map(|o| f64::from(o & 3)), octet.map(|o| o & 0xfc));
        }
        5 | 32 => c.u8().map(|o| f64::from(i8::from_be_bytes([o << 1]) >> 1)),
        9 | 21 | 34 | 48 | 61 | 110 => {
            c.array().map(|b| f64::from(i16::from_le_bytes(b)) / 32768.0)
        }
        11 | 35 | 49 | 62 | 111 => c.array().map(|b| f64::from(i16::from_le_bytes(b))),
        13 | 36 | 50 | 63 | 112 => c.array().map(|b| f64::from(f32::from_le_bytes(b))),
        15 | 37 => c.array().map(|b| f64::from(i32::from_le_bytes(b))),
        7 | 33 | 51 | 64 => c.u32_le().map(f64::from),
        _ => return (None, None),
    };
    (number.filter(|n| n.is_finite()), c.u8().filter(|_| kind != 21))
}

/// Octets of one element behind its address.
fn element_octets(kind: u8) -> Option<usize> {
    Some(match kind {
        1 | 3 | 45..=47 | 70 | 100 | 101 | 105 | 113 => 1,
        5 => 2,
        9 | 11 | 48 | 49 | 110 | 111 => 3,
        21 | 104 => 2,
        7 | 13 | 15 | 20 | 50 | 112 => 5,
        51 => 4,
        30 | 31 | 58..=60 => 8,
        32 => 9,
        34 | 35 | 38 | 61 | 62 => 10,
        33 | 36 | 37 | 63 => 12,
        39 | 40 | 64 => 11,
        102 => 0,
        103 => 7,
        107 => 9,
        120 => 6,
        121 => 7,
        122 => 4,
        123 => 5,
        124 => 4,
        _ => return None,
    })
}

/// Whether the type is a command of the controlling station.
pub fn is_command(kind: u8) -> bool {
    matches!(kind, 45..=51 | 58..=64 | 100..=107 | 110..=113)
}

/// Whether a confirmed command is followed by the word that it is done.
pub fn is_terminated(kind: u8, quality: Option<u8>) -> bool {
    let is_selection = quality.is_some_and(|q| q & 0x80 != 0);
    matches!(kind, 45..=50 | 58..=63) && !is_selection || matches!(kind, 100 | 101)
}

/// The word for a type.
pub fn kind_word(kind: u8) -> &'static str {
    match kind {
        1 => "m_sp_na_1",
        3 => "m_dp_na_1",
        5 => "m_st_na_1",
        7 => "m_bo_na_1",
        9 => "m_me_na_1",
        11 => "m_me_nb_1",
        13 => "m_me_nc_1",
        15 => "m_it_na_1",
        20 => "m_ps_na_1",
        21 => "m_me_nd_1",
        30 => "m_sp_tb_1",
        31 => "m_dp_tb_1",
        32 => "m_st_tb_1",
        33 => "m_bo_tb_1",
        34 => "m_me_td_1",
        35 => "m_me_te_1",
        36 => "m_me_tf_1",
        37 => "m_it_tb_1",
        38 => "m_ep_td_1",
        39 => "m_ep_te_1",
        40 => "m_ep_tf_1",
        45 => "c_sc_na_1",
        46 => "c_dc_na_1",
        47 => "c_rc_na_1",
        48 => "c_se_na_1",
        49 => "c_se_nb_1",
        50 => "c_se_nc_1",
        51 => "c_bo_na_1",
        58 => "c_sc_ta_1",
        59 => "c_dc_ta_1",
        60 => "c_rc_ta_1",
        61 => "c_se_ta_1",
        62 => "c_se_tb_1",
        63 => "c_se_tc_1",
        64 => "c_bo_ta_1",
        70 => "m_ei_na_1",
        100 => "c_ic_na_1",
        101 => "c_ci_na_1",
        102 => "c_rd_na_1",
        103 => "c_cs_na_1",
        104 => "c_ts_na_1",
        105 => "c_rp_na_1",
        106 => "c_cd_na_1",
        107 => "c_ts_ta_1",
        110 => "p_me_na_1",
        111 => "p_me_nb_1",
        112 => "p_me_nc_1",
        113 => "p_ac_na_1",
        120 => "f_fr_na_1",
        121 => "f_sr_na_1",
        122 => "f_sc_na_1",
        123 => "f_ls_na_1",
        124 => "f_af_na_1",
        125 => "f_sg_na_1",
        126 => "f_dr_ta_1",
        127 => "f_sc_nb_1",
        _ => "unknown",
    }
}

/// The word for a cause of transmission.
pub fn cause_word(number: u8) -> &'static str {
    match number {
        1 => "periodic",
        2 => "background",
        3 => "spontaneous",
        4 => "initialized",
        cause::REQUEST => "request",
        cause::ACTIVATION => "activation",
        cause::ACTIVATION_CON => "activation_con",
        cause::DEACTIVATION => "deactivation",
        cause::DEACTIVATION_CON => "deactivation_con",
        cause::TERMINATION => "activation_termination",
        11 => "return_remote",
        12 => "return_local",
        13 => "file",
        14 => "authentication",
        20 => "interrogation",
        21..=36 => "group_interrogation",
        37..=41 => "counter_interrogation",
        cause::UNKNOWN_TYPE => "unknown_type",
        45 => "unknown_cause",
        46 => "unknown_common_address",
        cause::UNKNOWN_OBJECT => "unknown_object",
        _ => "unknown",
    }
}
