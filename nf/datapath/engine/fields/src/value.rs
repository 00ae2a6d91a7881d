//! Values as they leave a header or a record: borrowed, typed, cheap to pass on.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{Fields, Type};

/// One value read from a field.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// Absent.
    None,
    /// True or false.
    Bool(bool),
    /// Unsigned integer.
    Uint(u64),
    /// Signed integer.
    Int(i64),
    /// Floating point.
    Float(f64),
    /// Text as on the wire.
    Text(&'a [u8]),
    /// Raw octets.
    Binary(&'a [u8]),
    /// EUI-48.
    Mac([u8; 6]),
    /// IP address.
    Ip(IpAddr),
    /// Nanoseconds since the epoch.
    Time(u64),
    /// A list.
    List(&'a dyn List),
    /// A nested record.
    Record(&'a dyn Fields),
}

impl Value<'_> {
    /// Whether there is no value.
    pub fn is_none(&self) -> bool {
        matches!(self, Value::None)
    }
}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::None, Value::None) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Uint(a), Value::Uint(b)) | (Value::Time(a), Value::Time(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a == b,
            (Value::Text(a), Value::Text(b)) | (Value::Binary(a), Value::Binary(b)) => a == b,
            (Value::Mac(a), Value::Mac(b)) => a == b,
            (Value::Ip(a), Value::Ip(b)) => a == b,
            (Value::List(a), Value::List(b)) => {
                a.len() == b.len() && (0..a.len()).all(|i| a.item(i) == b.item(i))
            }
            (Value::Record(a), Value::Record(b)) => {
                let n = a.field_list().len();
                n == b.field_list().len() && (0..n).all(|i| a.get(i) == b.get(i))
            }
            _ => false,
        }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::None => f.write_str("None"),
            Value::Bool(v) => write!(f, "{v}"),
            Value::Uint(v) => write!(f, "{v}"),
            Value::Int(v) => write!(f, "{v}"),
            Value::Float(v) => write!(f, "{v}"),
            Value::Text(v) => write!(f, "{:?}", String::from_utf8_lossy(v)),
            Value::Binary(v) => write!(f, "0x{}", hex(v)),
            Value::Mac(v) => write!(f, "{}", Mac(*v)),
            Value::Ip(v) => write!(f, "{v}"),
            Value::Time(v) => write!(f, "{v}ns"),
            Value::List(v) => f.debug_list().entries((0..v.len()).map(|i| v.item(i))).finish(),
            Value::Record(v) => {
                let mut map = f.debug_map();
                for (i, field) in v.field_list().iter().enumerate() {
                    map.entry(&field.name, &v.get(i));
                }
                map.finish()
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A list behind a value.
pub trait List {
    /// Number of items.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Item `index`, or [`Value::None`] past the end.
    fn item(&self, index: usize) -> Value<'_>;
}

impl<T: AsValue> List for Vec<T> {
    fn len(&self) -> usize {
        Vec::len(self)
    }
    fn item(&self, index: usize) -> Value<'_> {
        self.get(index).map_or(Value::None, AsValue::value)
    }
}

/// Rust types that can be the type of a field.
pub trait AsValue {
    /// The field type this becomes.
    const TYPE: Type;
    /// A borrowed view of the value.
    fn value(&self) -> Value<'_>;
    /// The value itself, for types that own nothing.
    fn into_value<'a>(self) -> Value<'a>
    where
        Self: Sized + 'a,
    {
        Value::None
    }
}

macro_rules! scalar {
    ($($t:ty => $ty:expr, $variant:ident, $conv:expr;)*) => { $(
        impl AsValue for $t {
            const TYPE: Type = $ty;
            #[inline]
            fn value(&self) -> Value<'_> { Value::$variant($conv(*self)) }
            #[inline]
            fn into_value<'a>(self) -> Value<'a> where Self: 'a { Value::$variant($conv(self)) }
        }
    )* };
}

scalar! {
    bool => Type::Bool, Bool, |v: bool| v;
    u8 => Type::Uint(8), Uint, u64::from;
    u16 => Type::Uint(16), Uint, u64::from;
    u32 => Type::Uint(32), Uint, u64::from;
    u64 => Type::Uint(64), Uint, |v: u64| v;
    i64 => Type::Int, Int, |v: i64| v;
    f64 => Type::Float, Float, |v: f64| v;
    Mac => Type::Mac, Mac, |v: Mac| v.0;
    IpAddr => Type::Ip, Ip, |v: IpAddr| v;
    Ipv4Addr => Type::Ip, Ip, IpAddr::V4;
    Ipv6Addr => Type::Ip, Ip, IpAddr::V6;
    Timestamp => Type::Time, Time, |v: Timestamp| v.0;
}

/// An IPv4 address as the four octets of a header.
pub type Ip4 = Ipv4Addr;

/// EUI-48 hardware address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// Nanoseconds since the UNIX epoch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Timestamp(pub u64);

/// Borrowed text of the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TextRef<'t>(pub &'t [u8]);

/// Borrowed octets of the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BinaryRef<'t>(pub &'t [u8]);

impl AsValue for TextRef<'_> {
    const TYPE: Type = Type::Text;
    #[inline]
    fn value(&self) -> Value<'_> {
        Value::Text(self.0)
    }
    #[inline]
    fn into_value<'a>(self) -> Value<'a>
    where
        Self: 'a,
    {
        Value::Text(self.0)
    }
}

impl AsValue for BinaryRef<'_> {
    const TYPE: Type = Type::Binary;
    #[inline]
    fn value(&self) -> Value<'_> {
        Value::Binary(self.0)
    }
    #[inline]
    fn into_value<'a>(self) -> Value<'a>
    where
        Self: 'a,
    {
        Value::Binary(self.0)
    }
}

/// Owned text as seen on the wire; not necessarily UTF-8.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text(Box<[u8]>);

/// Owned octets, shown as hexadecimal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Binary(Box<[u8]>);

macro_rules! owned {
    ($name:ident, $variant:ident) => {
        impl $name {
            /// At most `max` octets of `bytes`: what records keep is always bounded.
            pub fn bounded(bytes: &[u8], max: usize) -> Self {
                Self(bytes.get(..max).unwrap_or(bytes).into())
            }
            /// The octets.
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }
            /// Whether there are none.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }
        impl From<Vec<u8>> for $name {
            fn from(v: Vec<u8>) -> Self {
                Self(v.into_boxed_slice())
            }
        }
        impl From<&[u8]> for $name {
            fn from(v: &[u8]) -> Self {
                Self(v.into())
            }
        }
        impl From<&str> for $name {
            fn from(v: &str) -> Self {
                Self(v.as_bytes().into())
            }
        }
        impl From<String> for $name {
            fn from(v: String) -> Self {
                Self(v.into_bytes().into_boxed_slice())
            }
        }
        impl AsValue for $name {
            const TYPE: Type = Type::$variant;
            fn value(&self) -> Value<'_> {
                Value::$variant(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.value())
            }
        }
    };
}
owned!(Text, Text);
owned!(Binary, Binary);

impl AsValue for String {
    const TYPE: Type = Type::Text;
    fn value(&self) -> Value<'_> {
        Value::Text(self.as_bytes())
    }
}

impl AsValue for &'static str {
    const TYPE: Type = Type::Text;
    fn value(&self) -> Value<'_> {
        Value::Text(self.as_bytes())
    }
    fn into_value<'a>(self) -> Value<'a>
    where
        Self: 'a,
    {
        Value::Text(self.as_bytes())
    }
}

impl<T: AsValue> AsValue for Option<T> {
    const TYPE: Type = T::TYPE;
    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::None, AsValue::value)
    }
    fn into_value<'a>(self) -> Value<'a>
    where
        Self: 'a,
    {
        self.map_or(Value::None, AsValue::into_value)
    }
}

impl<T: AsValue> AsValue for Vec<T> {
    const TYPE: Type = Type::List(&T::TYPE);
    fn value(&self) -> Value<'_> {
        Value::List(self)
    }
}
