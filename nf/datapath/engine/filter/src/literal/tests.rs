use super::*;
use crate::lexer::Lexer;

fn with_unit(text: &str, ty: Type, unit: Option<Unit>) -> Result<Literal, Problem> {
    let token = Lexer::new(text).next().unwrap();
    read(&token, Place { name: "field", ty, unit })
}

fn value(text: &str, ty: Type) -> Result<Literal, Problem> {
    with_unit(text, ty, None)
}

fn item(text: &str, ty: Type) -> Item {
    let token = Lexer::new(text).next().unwrap();
    prefix(&token, Place { name: "field", ty, unit: None }).unwrap().unwrap()
}

#[test]
fn whole_numbers_keep_to_their_width() {
    assert_eq!(value("255", Type::Uint(8)).unwrap(), Literal::Uint(255));
    assert!(value("256", Type::Uint(8)).unwrap_err().message.contains("out of its range"));
    assert!(value("0x100", Type::Uint(8)).is_err());
    assert!(value("-1", Type::Uint(64)).is_err());
    assert_eq!(value("18446744073709551615", Type::Uint(64)).unwrap(), Literal::Uint(u64::MAX));
    assert!(value("18446744073709551616", Type::Uint(64)).is_err());
    assert_eq!(value("-9223372036854775808", Type::Int).unwrap(), Literal::Int(i64::MIN));
    assert!(value("9223372036854775808", Type::Int).is_err());
    assert!(value("1.5", Type::Uint(64)).unwrap_err().message.contains("whole"));
}

#[test]
fn time_spans_are_put_into_the_fields_unit() {
    let us = Some(Unit::Microseconds);
    assert_eq!(with_unit("200ms", Type::Uint(64), us).unwrap(), Literal::Uint(200_000));
    assert_eq!(with_unit("5s", Type::Uint(64), us).unwrap(), Literal::Uint(5_000_000));
    assert_eq!(with_unit("0.5min", Type::Uint(64), us).unwrap(), Literal::Uint(30_000_000));
    assert_eq!(with_unit("3µs", Type::Uint(64), us).unwrap(), Literal::Uint(3));
    assert_eq!(with_unit("7", Type::Uint(64), us).unwrap(), Literal::Uint(7));
    assert_eq!(with_unit("1h", Type::Int, Some(Unit::Seconds)).unwrap(), Literal::Int(3600));
    assert_eq!(
        with_unit("1500us", Type::Float, Some(Unit::Milliseconds)).unwrap(),
        Literal::Float(1.5)
    );
    let fraction = with_unit("5ns", Type::Uint(64), us).unwrap_err();
    assert!(fraction.message.contains("microseconds"), "{}", fraction.message);
    assert!(value("5s", Type::Uint(64)).unwrap_err().message.contains("does not count time"));
    assert!(value("5s", Type::Time).is_err());
}

#[test]
fn a_lone_m_is_neither_million_nor_minutes() {
    assert!(value("5m", Type::Uint(64)).unwrap_err().message.contains("neither M"));
    assert!(value("5X", Type::Uint(64)).unwrap_err().message.contains("no unit"));
}

#[test]
fn texts_have_escapes() {
    let text = |t: &str| value(t, Type::Text).unwrap();
    assert_eq!(
        text(r#""a\"b\\\n\x00\xff\u{e9}""#),
        Literal::Text((*b"a\"b\\\n\0\xff\xc3\xa9").into())
    );
    assert_eq!(text("'it\\'s'"), Literal::Text((*b"it's").into()));
    assert_eq!(text("\"é\""), Literal::Text("é".as_bytes().into()));
    assert_eq!(text("\"\""), Literal::Text([].into()));
}

#[test]
fn wrong_escapes_are_pointed_at() {
    for (wrong, at) in [
        (r#""ab\q""#, 3..5),
        (r#""\x4""#, 1..3),
        (r#""\x+1""#, 1..3),
        (r#""\u{}""#, 1..3),
        (r#""\u{d800}""#, 1..3),
        (r#""\u{1111111}""#, 1..3),
        (r#""é\é""#, 3..6),
    ] {
        assert_eq!(value(wrong, Type::Text).unwrap_err().within, Some(at), "{wrong}");
    }
}

#[test]
fn unquoted_text_is_shown_in_quotes() {
    assert_eq!(value("youtube", Type::Text).unwrap_err().hint, "\"youtube\"");
    assert_eq!(value("\"80\"", Type::Uint(16)).unwrap_err().hint, "80 without quotes");
}

#[test]
fn octets_are_pairs_of_digits_or_text() {
    assert_eq!(
        value("0xC0ffee", Type::Binary).unwrap(),
        Literal::Binary([0xc0, 0xff, 0xee].into())
    );
    assert_eq!(value("\"GET\"", Type::Binary).unwrap(), Literal::Binary((*b"GET").into()));
    for wrong in ["0x", "0xabc", "0xzz", "0x+1", "abc", "12"] {
        assert!(value(wrong, Type::Binary).is_err(), "{wrong}");
    }
}

#[test]
fn addresses_of_every_kind() {
    let v4 = "192.0.2.1".parse().unwrap();
    assert_eq!(value("192.0.2.1", Type::Ip).unwrap(), Literal::Ip(v4));
    assert_eq!(value("\"192.0.2.1\"", Type::Ip).unwrap(), Literal::Ip(v4));
    assert_eq!(value("::1", Type::Ip).unwrap(), Literal::Ip("::1".parse().unwrap()));
    assert_eq!(
        value("00:11:22:aa:BB:ff", Type::Mac).unwrap(),
        Literal::Mac([0, 0x11, 0x22, 0xaa, 0xbb, 0xff])
    );
    assert_eq!(
        value("00-11-22-aa-bb-ff", Type::Mac).unwrap(),
        Literal::Mac([0, 0x11, 0x22, 0xaa, 0xbb, 0xff])
    );
    for wrong in ["00:11:22:33:44", "00:11:22:33:44:55:66", "0:1:2:3:4:5", "+0:11:22:33:44:55"] {
        assert!(value(wrong, Type::Mac).is_err(), "{wrong}");
    }
    assert!(value("10.0.0.0/8", Type::Ip).unwrap_err().hint.contains("field in 10.0.0.0/8"));
    assert!(value("300.0.0.1", Type::Ip).is_err());
}

#[test]
fn prefixes_drop_the_host_bits() {
    assert_eq!(item("10.1.2.3/8", Type::Ip), Item::Prefix("10.0.0.0".parse().unwrap(), 8));
    assert_eq!(item("10.1.2.3/32", Type::Ip), Item::Prefix("10.1.2.3".parse().unwrap(), 32));
    assert_eq!(item("10.1.2.3/0", Type::Ip), Item::Prefix("0.0.0.0".parse().unwrap(), 0));
    assert_eq!(item("2001:db8::1/32", Type::Ip), Item::Prefix("2001:db8::".parse().unwrap(), 32));
    assert_eq!(item("::1/128", Type::Ip), Item::Prefix("::1".parse().unwrap(), 128));
    assert_eq!(
        item("00:11:22:33:44:55/24", Type::Mac),
        Item::Range(
            Literal::Mac([0, 0x11, 0x22, 0, 0, 0]),
            Literal::Mac([0, 0x11, 0x22, 255, 255, 255])
        )
    );
}

#[test]
fn prefix_lengths_are_checked() {
    for (wrong, ty) in [
        ("10.0.0.0/33", Type::Ip),
        ("::/129", Type::Ip),
        ("10.0.0.0/", Type::Ip),
        ("10.0.0.0/+8", Type::Ip),
        ("00:11:22:33:44:55/49", Type::Mac),
    ] {
        let token = Lexer::new(wrong).next().unwrap();
        let place = Place { name: "field", ty, unit: None };
        assert!(prefix(&token, place).unwrap().is_err(), "{wrong}");
    }
}

#[test]
fn times_are_dates_or_seconds() {
    assert_eq!(value("2024-05-01", Type::Time).unwrap(), Literal::Time(1_714_521_600_000_000_000));
    assert_eq!(
        value("1714521600.5", Type::Time).unwrap(),
        Literal::Time(1_714_521_600_500_000_000)
    );
    assert_eq!(
        value("\"2024-05-01 00:00:00\"", Type::Time).unwrap(),
        value("2024-05-01", Type::Time).unwrap()
    );
    for wrong in ["2024-99-01", "-1", "1e30", "0.0000000001", "yesterday"] {
        assert!(value(wrong, Type::Time).is_err(), "{wrong}");
    }
}

#[test]
fn truth_is_a_keyword() {
    assert_eq!(value("true", Type::Bool).unwrap(), Literal::Bool(true));
    assert_eq!(value("FALSE", Type::Bool).unwrap(), Literal::Bool(false));
    assert!(value("1", Type::Bool).is_err());
    assert!(value("\"true\"", Type::Bool).is_err());
}
