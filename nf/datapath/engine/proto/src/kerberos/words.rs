//! Names of encryption types, errors and messages.

/// The name of an encryption type (RFC 3961, IANA registry).
pub(super) fn cipher(number: i64) -> Option<&'static str> {
    Some(match number {
        -128 => "rc4-md4",
        -133 => "arcfour-hmac-old",
        -135 => "arcfour-hmac-old-exp",
        0 => "null",
        1 => "des-cbc-crc",
        2 => "des-cbc-md4",
        3 => "des-cbc-md5",
        5 => "des3-cbc-md5",
        7 => "des3-cbc-sha1",
        9 => "dsaWithSHA1-CmsOID",
        10 => "md5WithRSAEncryption-CmsOID",
        11 => "sha1WithRSAEncryption-CmsOID",
        12 => "rc2CBC-EnvOID",
        13 => "rsaEncryption-EnvOID",
        14 => "rsaES-OAEP-EnvOID",
        15 => "des-ede3-cbc-EnvOID",
        16 => "des3-cbc-sha1-kd",
        17 => "aes128-cts-hmac-sha1-96",
        18 => "aes256-cts-hmac-sha1-96",
        19 => "aes128-cts-hmac-sha256-128",
        20 => "aes256-cts-hmac-sha384-192",
        23 => "rc4-hmac",
        24 => "rc4-hmac-exp",
        25 => "camellia128-cts-cmac",
        26 => "camellia256-cts-cmac",
        65 => "subkey-keymaterial",
        _ => return None,
    })
}

/// Whether an encryption type is held to be broken (RFC 6649, RFC 8429).
pub(super) fn is_weak(number: i64) -> bool {
    matches!(number, -135..=-128 | 0..=7 | 16 | 23 | 24)
}

/// The name of an error (RFC 4120 §7.5.9, RFC 4556, RFC 6111).
pub(super) fn error(number: i64) -> Option<&'static str> {
    let at = |names: &[&'static str], from: i64| {
        usize::try_from(number.checked_sub(from)?).ok().and_then(|n| names.get(n)).copied()
    };
    match number {
        0..=29 => at(&FIRST, 0),
        31..=52 => at(&SECOND, 31),
        60..=86 => at(&THIRD, 60),
        90 => Some("KDC_ERR_PREAUTH_EXPIRED"),
        91 => Some("KDC_ERR_MORE_PREAUTH_DATA_REQUIRED"),
        93 => Some("KDC_ERR_UNKNOWN_CRITICAL_FAST_OPTION"),
        100 => Some("KDC_ERR_NO_ACCEPTABLE_KDF"),
        _ => None,
    }
}

const FIRST: [&str; 30] = [
    "KDC_ERR_NONE",
    "KDC_ERR_NAME_EXP",
    "KDC_ERR_SERVICE_EXP",
    "KDC_ERR_BAD_PVNO",
    "KDC_ERR_C_OLD_MAST_KVNO",
    "KDC_ERR_S_OLD_MAST_KVNO",
    "KDC_ERR_C_PRINCIPAL_UNKNOWN",
    "KDC_ERR_S_PRINCIPAL_UNKNOWN",
    "KDC_ERR_PRINCIPAL_NOT_UNIQUE",
    "KDC_ERR_NULL_KEY",
    "KDC_ERR_CANNOT_POSTDATE",
    "KDC_ERR_NEVER_VALID",
    "KDC_ERR_POLICY",
    "KDC_ERR_BADOPTION",
    "KDC_ERR_ETYPE_NOSUPP",
    "KDC_ERR_SUMTYPE_NOSUPP",
    "KDC_ERR_PADATA_TYPE_NOSUPP",
    "KDC_ERR_TRTYPE_NOSUPP",
    "KDC_ERR_CLIENT_REVOKED",
    "KDC_ERR_SERVICE_REVOKED",
    "KDC_ERR_TGT_REVOKED",
    "KDC_ERR_CLIENT_NOTYET",
    "KDC_ERR_SERVICE_NOTYET",
    "KDC_ERR_KEY_EXPIRED",
    "KDC_ERR_PREAUTH_FAILED",
    "KDC_ERR_PREAUTH_REQUIRED",
    "KDC_ERR_SERVER_NOMATCH",
    "KDC_ERR_MUST_USE_USER2USER",
    "KDC_ERR_PATH_NOT_ACCEPTED",
    "KDC_ERR_SVC_UNAVAILABLE",
];

const SECOND: [&str; 22] = [
    "KRB_AP_ERR_BAD_INTEGRITY",
    "KRB_AP_ERR_TKT_EXPIRED",
    "KRB_AP_ERR_TKT_NYV",
    "KRB_AP_ERR_REPEAT",
    "KRB_AP_ERR_NOT_US",
    "KRB_AP_ERR_BADMATCH",
    "KRB_AP_ERR_SKEW",
    "KRB_AP_ERR_BADADDR",
    "KRB_AP_ERR_BADVERSION",
    "KRB_AP_ERR_MSG_TYPE",
    "KRB_AP_ERR_MODIFIED",
    "KRB_AP_ERR_BADORDER",
    "KRB_AP_ERR_ILL_CR_TKT",
    "KRB_AP_ERR_BADKEYVER",
    "KRB_AP_ERR_NOKEY",
    "KRB_AP_ERR_MUT_FAIL",
    "KRB_AP_ERR_BADDIRECTION",
    "KRB_AP_ERR_METHOD",
    "KRB_AP_ERR_BADSEQ",
    "KRB_AP_ERR_INAPP_CKSUM",
    "KRB_AP_PATH_NOT_ACCEPTED",
    "KRB_ERR_RESPONSE_TOO_BIG",
];

const THIRD: [&str; 27] = [
    "KRB_ERR_GENERIC",
    "KRB_ERR_FIELD_TOOLONG",
    "KDC_ERR_CLIENT_NOT_TRUSTED",
    "KDC_ERR_KDC_NOT_TRUSTED",
    "KDC_ERR_INVALID_SIG",
    "KDC_ERR_KEY_TOO_WEAK",
    "KDC_ERR_CERTIFICATE_MISMATCH",
    "KRB_AP_ERR_NO_TGT",
    "KDC_ERR_WRONG_REALM",
    "KRB_AP_ERR_USER_TO_USER_REQUIRED",
    "KDC_ERR_CANT_VERIFY_CERTIFICATE",
    "KDC_ERR_INVALID_CERTIFICATE",
    "KDC_ERR_REVOKED_CERTIFICATE",
    "KDC_ERR_REVOCATION_STATUS_UNKNOWN",
    "KDC_ERR_REVOCATION_STATUS_UNAVAILABLE",
    "KDC_ERR_CLIENT_NAME_MISMATCH",
    "KDC_ERR_KDC_NAME_MISMATCH",
    "KDC_ERR_INCONSISTENT_KEY_PURPOSE",
    "KDC_ERR_DIGEST_IN_CERT_NOT_ACCEPTED",
    "KDC_ERR_PA_CHECKSUM_MUST_BE_INCLUDED",
    "KDC_ERR_DIGEST_IN_SIGNED_DATA_NOT_ACCEPTED",
    "KDC_ERR_PUBLIC_KEY_ENCRYPTION_NOT_SUPPORTED",
    "KRB_AP_ERR_PRINCIPAL_UNKNOWN",
    "KRB_AP_ERR_REALM_UNKNOWN",
    "KRB_AP_ERR_PRINCIPAL_RESERVED",
    "KRB_AP_ERR_IAKERB_KDC_NOT_FOUND",
    "KRB_AP_ERR_IAKERB_KDC_NO_RESPONSE",
];

/// The name of a kind of message.
pub(super) fn kind(number: u8) -> Option<&'static str> {
    Some(match number {
        10 => "KRB_AS_REQ",
        11 => "KRB_AS_REP",
        12 => "KRB_TGS_REQ",
        13 => "KRB_TGS_REP",
        14 => "KRB_AP_REQ",
        15 => "KRB_AP_REP",
        20 => "KRB_SAFE",
        21 => "KRB_PRIV",
        22 => "KRB_CRED",
        30 => "KRB_ERROR",
        _ => return None,
    })
}
