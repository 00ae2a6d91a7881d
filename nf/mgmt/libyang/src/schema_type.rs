//! The types of leaves as plain data.

use libyang5_sys as ffi;
use libyang5_sys::LY_DATA_TYPE as T;

use crate::raw;
use crate::schema::TypeInfo;

/// Deepest nesting of unions that is described.
const MAX_NESTING: u32 = 16;

fn base_name(base: ffi::LY_DATA_TYPE::Type) -> &'static str {
    match base {
        T::LY_TYPE_BINARY => "binary",
        T::LY_TYPE_UINT8 => "uint8",
        T::LY_TYPE_UINT16 => "uint16",
        T::LY_TYPE_UINT32 => "uint32",
        T::LY_TYPE_UINT64 => "uint64",
        T::LY_TYPE_STRING => "string",
        T::LY_TYPE_BITS => "bits",
        T::LY_TYPE_BOOL => "boolean",
        T::LY_TYPE_DEC64 => "decimal64",
        T::LY_TYPE_EMPTY => "empty",
        T::LY_TYPE_ENUM => "enumeration",
        T::LY_TYPE_IDENT => "identityref",
        T::LY_TYPE_INST => "instance-identifier",
        T::LY_TYPE_LEAFREF => "leafref",
        T::LY_TYPE_UNION => "union",
        T::LY_TYPE_INT8 => "int8",
        T::LY_TYPE_INT16 => "int16",
        T::LY_TYPE_INT32 => "int32",
        T::LY_TYPE_INT64 => "int64",
        _ => "unknown",
    }
}

/// Describes a type.
///
/// # Safety
/// `leaf_type` is a type of a live context.
pub(crate) unsafe fn type_info(leaf_type: *const ffi::lysc_type, nesting: u32) -> TypeInfo {
    // SAFETY: the caller's promise; the base type says which structure the type is.
    unsafe {
        let base = (*leaf_type).basetype;
        let mut info = TypeInfo {
            base: base_name(base).to_string(),
            typedef: raw::text((*leaf_type).name),
            ..TypeInfo::default()
        };
        match base {
            T::LY_TYPE_ENUM => {
                let items = raw::array((*leaf_type.cast::<ffi::lysc_type_enum>()).enums);
                info.enums = items.iter().filter_map(|i| raw::text(i.name)).collect();
            }
            T::LY_TYPE_BITS => {
                let items = raw::array((*leaf_type.cast::<ffi::lysc_type_bits>()).bits);
                info.bits = items.iter().filter_map(|i| raw::text(i.name)).collect();
            }
            T::LY_TYPE_IDENT => {
                let mut names = Vec::new();
                for (n, &one) in raw::array((*leaf_type.cast::<ffi::lysc_type_identityref>()).bases)
                    .iter()
                    .enumerate()
                {
                    let mut derived = Vec::new();
                    collect_derived(one, &mut derived);
                    if n == 0 {
                        names = derived;
                    } else {
                        names.retain(|name| derived.contains(name)); // all bases at once
                    }
                }
                info.identities = names;
            }
            T::LY_TYPE_STRING => {
                let string = &*leaf_type.cast::<ffi::lysc_type_str>();
                info.length = bounds(string.length, false);
                info.patterns = raw::array(string.patterns)
                    .iter()
                    .filter_map(|&pattern| {
                        let text = raw::text((*pattern).expr)?;
                        let inverted = (*pattern)._bitfield_1.get(0, 1) != 0;
                        Some(if inverted { format!("!{text}") } else { text })
                    })
                    .collect();
            }
            T::LY_TYPE_BINARY => {
                info.length = bounds((*leaf_type.cast::<ffi::lysc_type_bin>()).length, false);
            }
            T::LY_TYPE_UINT8 | T::LY_TYPE_UINT16 | T::LY_TYPE_UINT32 | T::LY_TYPE_UINT64 => {
                info.range = bounds((*leaf_type.cast::<ffi::lysc_type_num>()).range, false);
            }
            T::LY_TYPE_INT8 | T::LY_TYPE_INT16 | T::LY_TYPE_INT32 | T::LY_TYPE_INT64 => {
                info.range = bounds((*leaf_type.cast::<ffi::lysc_type_num>()).range, true);
            }
            T::LY_TYPE_DEC64 => {
                let decimal = &*leaf_type.cast::<ffi::lysc_type_dec>();
                info.fraction_digits = Some(decimal.fraction_digits);
                info.range = decimal_bounds(decimal.range, decimal.fraction_digits);
            }
            T::LY_TYPE_LEAFREF => {
                let reference = &*leaf_type.cast::<ffi::lysc_type_leafref>();
                info.leafref = raw::text(ffi::lyxp_get_expr(reference.path));
                if nesting < MAX_NESTING && !reference.realtype.is_null() {
                    info.members = vec![type_info(reference.realtype, nesting + 1)];
                }
            }
            T::LY_TYPE_UNION if nesting < MAX_NESTING => {
                info.members = raw::array((*leaf_type.cast::<ffi::lysc_type_union>()).types)
                    .iter()
                    .map(|&member| type_info(member, nesting + 1))
                    .collect();
            }
            _ => {}
        }
        info
    }
}

/// All identities below a base, each once.
///
/// # Safety
/// `base` is an identity of a live context.
unsafe fn collect_derived(base: *const ffi::lysc_ident, out: &mut Vec<String>) {
    // SAFETY: the caller's promise; identities cannot derive from themselves.
    unsafe {
        for &one in raw::array((*base).derived) {
            let module = raw::text((*(*one).module).name).unwrap_or_default();
            let name = format!("{module}:{}", raw::text((*one).name).unwrap_or_default());
            if !out.contains(&name) {
                out.push(name);
                collect_derived(one, out);
            }
        }
    }
}

/// # Safety
/// `range` is null or a range of a live context.
unsafe fn bounds(range: *const ffi::lysc_range, signed: bool) -> Option<String> {
    // SAFETY: the caller's promise; signedness says which half of the unions counts.
    unsafe {
        let parts = raw::array(range.as_ref()?.parts);
        let texts = parts.iter().map(|part| {
            let (low, high) = if signed {
                let (low, high) = (part.__bindgen_anon_1.min_64, part.__bindgen_anon_2.max_64);
                (low.to_string(), high.to_string())
            } else {
                let (low, high) = (part.__bindgen_anon_1.min_u64, part.__bindgen_anon_2.max_u64);
                (low.to_string(), high.to_string())
            };
            if low == high { low } else { format!("{low}..{high}") }
        });
        Some(texts.collect::<Vec<_>>().join(" | "))
    }
}

/// # Safety
/// `range` is null or a range of a decimal64 of a live context.
unsafe fn decimal_bounds(range: *const ffi::lysc_range, digits: u8) -> Option<String> {
    let point = |value: i64| {
        let scale = 10_i64.checked_pow(u32::from(digits)).unwrap_or(i64::MAX);
        let (whole, part) = (value / scale, (value % scale).unsigned_abs());
        let sign = if value < 0 && whole == 0 { "-" } else { "" };
        let fraction = format!("{part:0width$}", width = usize::from(digits));
        let fraction = fraction.trim_end_matches('0');
        let fraction = if fraction.is_empty() { "0" } else { fraction };
        format!("{sign}{whole}.{fraction}")
    };
    // SAFETY: the caller's promise; decimals are signed.
    unsafe {
        let parts = raw::array(range.as_ref()?.parts);
        let texts = parts.iter().map(|part| {
            let (low, high) = (part.__bindgen_anon_1.min_64, part.__bindgen_anon_2.max_64);
            if low == high { point(low) } else { format!("{}..{}", point(low), point(high)) }
        });
        Some(texts.collect::<Vec<_>>().join(" | "))
    }
}
