//! From a description to a program, or to what is wrong with it.

use nf_fields::{Field, ProtoId, Scope, Type};
use nf_wire::Transport;
use nf_wire::header::HEADERS;

use super::claim::{Described, Shape};
use super::description::{Attribute, Case, Description, Number as Place};
use super::program::{Frame, Leap, MOST_KEPT, Next, Number, Program, Read, Target};
use super::{Mistake, numbers};
use crate::{named, registry};

/// Longest name.
const MOST_NAME: usize = 64;
/// Farthest octet of a header that can be asked for.
const MOST_OFFSET: usize = 65_535;
/// Most attributes of a protocol.
const MOST_ATTRIBUTES: usize = 512;
/// Most cases of a table, patterns of a protocol, ports of a parent.
const MOST_ENTRIES: usize = 4096;

fn mistake(what: String, hint: &str) -> Mistake {
    Mistake { what, place: String::new(), hint: hint.into() }
}

fn within(what: &str, count: usize, most: usize) -> Result<(), Mistake> {
    match count <= most {
        true => Ok(()),
        false => Err(mistake(format!("{count} {what}; at most {most}"), "describe less")),
    }
}

/// Compiles `it`; `others` are the names of all users' protocols with their numbers.
pub(super) fn compile(
    it: &Description,
    number: ProtoId,
    others: &[(&str, ProtoId)],
) -> Result<Program, Mistake> {
    within("attributes", it.attributes.len(), MOST_ATTRIBUTES)?;
    within("octets of header", it.header, MOST_OFFSET)?;
    let mut reads = Vec::new();
    let mut extent = 0;
    for (n, attribute) in it.attributes.iter().enumerate() {
        let same = it.attributes.get(..n).unwrap_or_default();
        if same.iter().any(|a| a.name == attribute.name || a.id == attribute.id) {
            let what = format!("attribute {:?} is described twice, by name or id", attribute.name);
            return Err(mistake(what, "give each a name and an id of its own"));
        }
        let read = read_of(attribute)?;
        let reach = match attribute.length {
            0 => MOST_KEPT,
            length => attribute.offset.saturating_add(length),
        };
        extent = extent.max(reach);
        reads.push(read);
    }
    let frame = match &it.frame {
        Some(frame) => Some(Frame { number: number_of(&frame.number)?, add: frame.add }),
        None => None,
    };
    let next = match &it.next {
        Some(next) => {
            within("cases", next.cases.len(), MOST_ENTRIES)?;
            let mut cases = Vec::new();
            for case in &next.cases {
                cases.push((case.value, leap_of(case, others)?));
            }
            cases.sort_by_key(|(value, _)| *value);
            if let Some(value) = twice(&cases) {
                let what = format!("the value {value} of the next protocol is described twice");
                return Err(mistake(what, "leave one of the cases out"));
            }
            let otherwise =
                next.otherwise.as_ref().map(|case| leap_of(case, others)).transpose()?;
            Some(Next { number: number_of(&next.number)?, cases, otherwise })
        }
        None => None,
    };
    Ok(Program {
        number,
        name: numbers::text(&it.name),
        title: numbers::text(it.title.get(..256).unwrap_or(&it.title)),
        fields: fields_of(&it.attributes),
        reads,
        header: it.header,
        extent,
        frame,
        next,
    })
}

fn twice(cases: &[(u64, Leap)]) -> Option<u64> {
    cases.windows(2).find_map(|pair| match pair {
        [(a, _), (b, _)] if a == b => Some(*a),
        _ => None,
    })
}

/// Checks what it is called; headers that the engine walks cannot be taken over.
pub(super) fn check_name(it: &Description) -> Result<(), Mistake> {
    check_word(&it.name)?;
    if !(1..=999).contains(&it.id) {
        let what = format!("{} is no id for a protocol of yours", it.id);
        return Err(mistake(what, "1 to 999; from 1000 up they are nf's own"));
    }
    let header = HEADERS.iter().find(|h| h.id.0 == it.id || h.answers_to(&it.name));
    match header.filter(|h| !(h.fields)().is_empty()) {
        Some(header) => Err(mistake(
            format!(
                "{} {} is a header that nf reads to find sessions at all; it cannot be replaced",
                header.name, header.id.0
            ),
            "another name and id, for example 950",
        )),
        None => Ok(()),
    }
}

fn check_word(word: &str) -> Result<(), Mistake> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    match !word.is_empty() && word.len() <= MOST_NAME && word.bytes().all(plain) {
        true => Ok(()),
        false => {
            Err(mistake(format!("{word:?} is no name"), "small letters, digits and _, 64 at most"))
        }
    }
}

fn number_of(place: &Place) -> Result<Number, Mistake> {
    let bits = place.length.saturating_mul(8);
    let fits = bits >= 64 || place.mask.checked_shr(u32::try_from(bits).unwrap_or(64)) == Some(0);
    if !(1..=8).contains(&place.length) || place.offset > MOST_OFFSET || !fits {
        let what = format!(
            "no number: {} octets at {} with the mask {:#x}",
            place.length, place.offset, place.mask
        );
        return Err(mistake(what, "1 to 8 octets, and a mask within them"));
    }
    Ok(Number::new(place))
}

fn read_of(it: &Attribute) -> Result<Read, Mistake> {
    check_word(&it.name)?;
    let &Attribute { offset, length, mask, little, .. } = it;
    if offset > MOST_OFFSET || length > MOST_KEPT || offset.saturating_add(length) > MOST_OFFSET {
        let what = format!("attribute {:?} is out of reach", it.name);
        return Err(mistake(what, "offsets up to 65535, lengths up to 4096"));
    }
    if mask != 0 && it.kind != "uint" {
        let what = format!("attribute {:?} has a mask and is no number", it.name);
        return Err(mistake(what, "leave the mask out, or make it a number"));
    }
    Ok(match (it.kind.as_str(), length) {
        ("uint", _) => Read::Uint(number_of(&Place { offset, length, mask, little })?),
        ("float", 4 | 8) => Read::Float { offset, wide: length == 8, little },
        ("text" | "binary", _) => {
            Read::Octets { offset, length: (length > 0).then_some(length), text: it.kind == "text" }
        }
        ("mac", 6) => Read::Mac(offset),
        ("ip", 4 | 16) => Read::Ip { offset, wide: length == 16 },
        ("float" | "mac" | "ip", _) => {
            let what = format!("a {} of {length} octets: attribute {:?}", it.kind, it.name);
            return Err(mistake(what, "float: 4 or 8, mac: 6, ip: 4 or 16"));
        }
        (kind, _) => {
            let what = format!("attribute {:?} has no kind {kind:?}", it.name);
            return Err(mistake(what, "uint, float, text, binary, mac or ip"));
        }
    })
}

fn type_of(it: &Attribute) -> Type {
    match (it.kind.as_str(), it.length) {
        ("uint", 1) => Type::Uint(8),
        ("uint", 2) => Type::Uint(16),
        ("uint", 3 | 4) => Type::Uint(32),
        ("uint", _) => Type::Uint(64),
        ("float", _) => Type::Float,
        ("text", _) => Type::Text,
        ("mac", _) => Type::Mac,
        ("ip", _) => Type::Ip,
        _ => Type::Binary,
    }
}

fn fields_of(attributes: &[Attribute]) -> &'static [Field] {
    let scope = |word: &str| match word {
        "session" => Scope::Session,
        "session-changing" => Scope::SessionChanging,
        "event" => Scope::Event,
        _ => Scope::Packet,
    };
    let doc = |a: &Attribute| match a.doc.is_empty() {
        true => format!("{} octets at {}.", a.length, a.offset),
        false => a.doc.chars().take(256).collect(),
    };
    let said = |a: &Attribute| {
        format!("{}\0{}\0{}\0{}\0{}\n", a.name, a.id, type_of(a).name(), a.scope, doc(a))
    };
    numbers::fields(attributes.iter().map(said).collect(), || {
        let field = |a: &Attribute| Field {
            name: numbers::text(&a.name),
            id: a.id,
            ty: type_of(a),
            scope: scope(&a.scope),
            aliases: &[],
            doc: numbers::text(&doc(a)),
        };
        attributes.iter().map(field).collect()
    })
}

fn leap_of(case: &Case, others: &[(&str, ProtoId)]) -> Result<Leap, Mistake> {
    within("octets to the next protocol", case.offset, MOST_OFFSET)?;
    let word = case.protocol.as_str();
    let user = || others.iter().find(|(name, _)| *name == word).map(|(_, id)| Target::User(*id));
    let entry = || {
        let place = registry::PROTOCOLS.iter().position(|e| e.info.answers_to(word))?;
        let id = registry::PROTOCOLS.get(place)?.info.id;
        Some(Target::Entry(u16::try_from(place).ok()?, id))
    };
    let header = || {
        let id = HEADERS.iter().find(|h| h.answers_to(word))?.id;
        Some(if nf_wire::may_be_inside(id) { Target::Header(id) } else { Target::Name(id) })
    };
    let named = || named::all().iter().find(|n| n.answers_to(word)).map(|n| Target::Name(n.id));
    match user().or_else(entry).or_else(header).or_else(named) {
        Some(target) => Ok(Leap { target, offset: case.offset }),
        None => Err(mistake(
            format!("no protocol {word:?} to come next"),
            "nf protocols lists them; a plugin that it needs must be loaded with it",
        )),
    }
}

/// What says that a session is this protocol.
pub(super) fn claims(it: &Description, number: ProtoId) -> Result<Vec<Described<'_>>, Mistake> {
    let mut shapes = Vec::new();
    within("patterns", it.patterns.len(), MOST_ENTRIES)?;
    for pattern in &it.patterns {
        let mut parts = Vec::new();
        for part in pattern {
            let reach = part.offset.saturating_add(part.value.len());
            let masked = part.mask.is_empty() || part.mask.len() == part.value.len();
            if part.value.is_empty() || reach > 2048 || !masked {
                let what = "a pattern has no octets, or a mask of another length".into();
                return Err(mistake(what, "octets within the first 2048, and as long a mask"));
            }
            parts.push((part.offset, part.value.clone(), part.mask.clone()));
        }
        if parts.is_empty() {
            return Err(mistake("a pattern without octets".into(), "leave it out"));
        }
        shapes.push(parts);
    }
    let shape = Shape(shapes);
    let mut claims = Vec::new();
    for parent in &it.parents {
        within("ports", parent.numbers.len(), MOST_ENTRIES)?;
        let carrier = match parent.carrier.as_str() {
            "tcp" => Some(Transport::Tcp),
            "udp" => Some(Transport::Udp),
            "sctp" => Some(Transport::Sctp),
            "ip" => Some(Transport::Other),
            "ethernet" => {
                if parent.numbers.is_empty() || parent.numbers.iter().any(|n| *n < 0x600) {
                    let what = "over ethernet a type is needed, from 0x600 up".into();
                    return Err(mistake(what, "for example ethernet type 0x88b5"));
                }
                None
            }
            other => {
                let what = format!("{other:?} cannot carry a protocol of yours");
                return Err(mistake(
                    what,
                    "tcp, udp, sctp, ip or ethernet; or name it as nextencaps of a protocol of yours",
                ));
            }
        };
        let ip = carrier == Some(Transport::Other);
        if ip && (parent.numbers.is_empty() || parent.numbers.iter().any(|n| *n > 255)) {
            let what = "over ip a protocol number is needed, 0 to 255".into();
            return Err(mistake(what, "for example ip protocol 253"));
        }
        if !ip && parent.numbers.is_empty() && shape.0.is_empty() {
            let what = format!("neither port nor pattern: all of {} would be this", parent.carrier);
            return Err(mistake(what, "add a port or a pattern"));
        }
        claims.push(Described {
            number,
            carrier,
            numbers: &parent.numbers,
            weight: parent.weight,
            shape: shape.clone(),
        });
    }
    Ok(claims)
}
