//! Typed fields: what every header and record of the engine can be asked for.
//!
//! A header view, a parser's message and a transaction record all say what they hold with the
//! same [`Field`] list and hand it out as the same [`Value`]. Attribute ids, filter and rule
//! words, JSON keys, CSV and Arrow columns and the documentation are derived from that list, so
//! a field is written once: as a struct member with `#[derive(Fields)]`, or as one line of
//! [`fields!`] for a header view.

extern crate self as nf_fields;

pub mod json;
mod set;
mod value;

pub use nf_fields_derive::Fields;
pub use set::FieldSet;
pub use value::{AsValue, Binary, BinaryRef, Ip4, List, Mac, Text, TextRef, Timestamp, Value};

/// A protocol's number: MMT-DPI's below 1000, our own from 1000 up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProtoId(pub u16);

impl ProtoId {
    /// Nothing known (MMT's `unknown`).
    pub const UNKNOWN: ProtoId = ProtoId(0);
}

/// What kind of value a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// True or false.
    Bool,
    /// Unsigned integer of the given width in bits (8, 16, 32 or 64).
    Uint(u8),
    /// Signed integer, 64 bits.
    Int,
    /// IEEE 754 double.
    Float,
    /// Text as seen on the wire; not necessarily valid UTF-8.
    Text,
    /// Raw octets, shown as hexadecimal.
    Binary,
    /// EUI-48 hardware address.
    Mac,
    /// IPv4 or IPv6 address.
    Ip,
    /// Nanoseconds since the UNIX epoch.
    Time,
    /// A list of values of the inner type.
    List(&'static Type),
    /// A record with fields of its own.
    Record(fn() -> &'static [Field]),
}

impl Type {
    /// The word used for this type in documentation and `nf protocols`.
    pub fn name(&self) -> &'static str {
        match self {
            Type::Bool => "bool",
            Type::Uint(8) => "u8",
            Type::Uint(16) => "u16",
            Type::Uint(32) => "u32",
            Type::Uint(_) => "u64",
            Type::Int => "i64",
            Type::Float => "float",
            Type::Text => "text",
            Type::Binary => "binary",
            Type::Mac => "mac",
            Type::Ip => "ip",
            Type::Time => "time",
            Type::List(_) => "list",
            Type::Record(_) => "record",
        }
    }
}

impl PartialEq for Type {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Type::List(a), Type::List(b)) => a == b,
            (Type::Uint(a), Type::Uint(b)) => a == b,
            (Type::Record(a), Type::Record(b)) => {
                a().iter().map(|f| f.name).eq(b().iter().map(|f| f.name))
            }
            _ => self.name() == other.name(),
        }
    }
}

/// How long a field's value stays true (the scopes of MMT-DPI).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Read from one packet or message.
    #[default]
    Packet,
    /// Fixed for the session once known.
    Session,
    /// Belongs to the session and may change while it lives.
    SessionChanging,
    /// Present only when something happens.
    Event,
}

impl Scope {
    /// The word used for this scope in documentation and `nf protocols`.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Packet => "packet",
            Scope::Session => "session",
            Scope::SessionChanging => "session-changing",
            Scope::Event => "event",
        }
    }
}

/// One field: its name and everything the outside derives from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// snake_case, with a unit suffix where there is a unit.
    pub name: &'static str,
    /// MMT-DPI's attribute id; 0 where MMT has no such attribute.
    pub id: u16,
    /// Kind of value.
    pub ty: Type,
    /// How long a value stays true.
    pub scope: Scope,
    /// Other names the same field answers to (MMT's, mostly).
    pub aliases: &'static [&'static str],
    /// One sentence for the documentation.
    pub doc: &'static str,
}

impl Field {
    /// Whether `name` is this field's name or one of its aliases.
    pub fn answers_to(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

/// Something that can be asked for its fields by position.
pub trait Fields {
    /// The fields, in the order of their positions.
    fn fields() -> &'static [Field]
    where
        Self: Sized;

    /// The same list, for use behind a `dyn Fields`.
    fn field_list(&self) -> &'static [Field];

    /// The value at `position`; [`Value::None`] when absent or out of range.
    fn get(&self, position: usize) -> Value<'_>;
}

/// Gives a header view its fields: `id "name": type = |view| expression, "doc";` per line.
///
/// The expression yields anything that is [`AsValue`]; `id` is MMT's attribute id or 0.
#[macro_export]
macro_rules! fields {
    ($view:ident {
        $( $id:literal $name:literal $( | $alias:literal )* : $ty:ty = |$p:ident| $get:expr, $doc:literal; )*
    }) => {
        impl $crate::Fields for $view<'_> {
            fn fields() -> &'static [$crate::Field] {
                const FIELDS: &[$crate::Field] = &[ $( $crate::Field {
                    name: $name,
                    id: $id,
                    ty: <$ty as $crate::AsValue>::TYPE,
                    scope: $crate::Scope::Packet,
                    aliases: &[ $( $alias ),* ],
                    doc: $doc,
                } ),* ];
                FIELDS
            }
            fn field_list(&self) -> &'static [$crate::Field] {
                <Self as $crate::Fields>::fields()
            }
            fn get(&self, position: usize) -> $crate::Value<'_> {
                type Getter = for<'v> fn(&'v $view<'v>) -> $crate::Value<'v>;
                const GETTERS: &[Getter] = &[ $( {
                    fn getter<'v>($p: &'v $view<'v>) -> $crate::Value<'v> {
                        let value: $ty = $get;
                        $crate::AsValue::into_value(value)
                    }
                    getter
                } ),* ];
                GETTERS.get(position).map_or($crate::Value::None, |getter| getter(self))
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record of one of each.
    #[derive(Fields)]
    struct Sample {
        /// A number.
        #[field(id = 7, alias = "n", scope = "session")]
        number: u16,
        /// A word.
        word: Text,
        /// Maybe.
        maybe: Option<u8>,
        /// Several.
        several: Vec<u32>,
    }

    /// A record that borrows from the packet, alone and in a list.
    #[derive(Fields)]
    struct Borrowing<'p> {
        /// A word.
        word: Option<TextRef<'p>>,
        /// Records that borrow too.
        inner: Vec<Borrowing<'p>>,
    }

    struct View<'a>(&'a [u8]);
    fields! { View {
        1 "first": u8 = |v| v.0.first().copied().unwrap_or(0), "First octet.";
        0 "all" | "everything": BinaryRef<'_> = |v| BinaryRef(v.0), "All octets.";
    } }

    #[test]
    fn derived_fields_carry_ids_aliases_and_docs() {
        let fields = Sample::fields();
        assert_eq!(fields[0].id, 7);
        assert!(fields[0].answers_to("n"));
        assert_eq!(fields[0].scope, Scope::Session);
        assert_eq!(fields[1].doc, "A word.");
        assert_eq!(fields[3].ty, Type::List(&Type::Uint(32)));
    }

    #[test]
    fn values_are_read_by_position() {
        let s = Sample { number: 3, word: Text::from("x"), maybe: None, several: vec![1, 2] };
        assert_eq!(s.get(0), Value::Uint(3));
        assert_eq!(s.get(1), Value::Text(b"x"));
        assert_eq!(s.get(2), Value::None);
        assert!(matches!(s.get(3), Value::List(l) if l.len() == 2));
        assert_eq!(s.get(9), Value::None);
    }

    #[test]
    fn records_may_borrow_from_the_packet() {
        let packet = b"word".to_vec();
        let inner = vec![Borrowing { word: None, inner: vec![] }];
        let b = Borrowing { word: Some(TextRef(&packet)), inner };
        assert_eq!(b.get(0), Value::Text(b"word"));
        assert!(matches!(b.get(1), Value::List(l) if l.len() == 1));
        assert_eq!(Borrowing::fields()[0].ty, Type::Text);
    }

    #[test]
    fn header_views_are_fields_too() {
        let v = View(&[5, 6]);
        assert_eq!(v.get(0), Value::Uint(5));
        assert_eq!(v.get(1), Value::Binary(&[5, 6]));
        assert!(View::fields()[1].answers_to("everything"));
    }
}
