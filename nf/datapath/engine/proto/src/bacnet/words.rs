//! Names of services, objects and properties (ANSI/ASHRAE 135 §21).

const CONFIRMED: [&str; 32] = [
    "acknowledge_alarm",
    "confirmed_cov_notification",
    "confirmed_event_notification",
    "get_alarm_summary",
    "get_enrollment_summary",
    "subscribe_cov",
    "atomic_read_file",
    "atomic_write_file",
    "add_list_element",
    "remove_list_element",
    "create_object",
    "delete_object",
    "read_property",
    "read_property_conditional",
    "read_property_multiple",
    "write_property",
    "write_property_multiple",
    "device_communication_control",
    "confirmed_private_transfer",
    "confirmed_text_message",
    "reinitialize_device",
    "vt_open",
    "vt_close",
    "vt_data",
    "authenticate",
    "request_key",
    "read_range",
    "life_safety_operation",
    "subscribe_cov_property",
    "get_event_information",
    "subscribe_cov_property_multiple",
    "confirmed_cov_notification_multiple",
];

const UNCONFIRMED: [&str; 12] = [
    "i_am",
    "i_have",
    "unconfirmed_cov_notification",
    "unconfirmed_event_notification",
    "unconfirmed_private_transfer",
    "unconfirmed_text_message",
    "time_synchronization",
    "who_has",
    "who_is",
    "utc_time_synchronization",
    "write_group",
    "unconfirmed_cov_notification_multiple",
];

const OBJECTS: [&str; 24] = [
    "analog_input",
    "analog_output",
    "analog_value",
    "binary_input",
    "binary_output",
    "binary_value",
    "calendar",
    "command",
    "device",
    "event_enrollment",
    "file",
    "group",
    "loop",
    "multi_state_input",
    "multi_state_output",
    "notification_class",
    "program",
    "schedule",
    "averaging",
    "multi_state_value",
    "trend_log",
    "life_safety_point",
    "life_safety_zone",
    "accumulator",
];

fn at(words: &[&'static str], number: usize) -> &'static str {
    words.get(number).copied().unwrap_or("other")
}

/// The word for a service that is answered.
pub fn confirmed(service: u8) -> &'static str {
    at(&CONFIRMED, service.into())
}

/// The word for a service that is not.
pub fn unconfirmed(service: u8) -> &'static str {
    at(&UNCONFIRMED, service.into())
}

/// The word for a kind of object.
pub fn object(kind: u16) -> &'static str {
    match kind {
        56 => "network_port",
        _ => at(&OBJECTS, kind.into()),
    }
}

/// The word for a property.
pub fn property(number: u32) -> &'static str {
    match number {
        8 => "all",
        11 => "apdu_timeout",
        12 => "application_software_version",
        28 => "description",
        36 => "event_state",
        44 => "firmware_revision",
        56 => "local_date",
        57 => "local_time",
        58 => "location",
        62 => "max_apdu_length_accepted",
        70 => "model_name",
        75 => "object_identifier",
        76 => "object_list",
        77 => "object_name",
        79 => "object_type",
        81 => "out_of_service",
        85 => "present_value",
        87 => "priority_array",
        96 => "protocol_object_types_supported",
        97 => "protocol_services_supported",
        98 => "protocol_version",
        103 => "reliability",
        104 => "relinquish_default",
        107 => "segmentation_supported",
        111 => "status_flags",
        112 => "system_status",
        117 => "units",
        120 => "vendor_identifier",
        121 => "vendor_name",
        131 => "log_buffer",
        139 => "protocol_revision",
        155 => "database_revision",
        371 => "property_list",
        _ => "other",
    }
}

/// The word for a function of the virtual link.
pub fn link(function: u8) -> &'static str {
    const WORDS: [&str; 13] = [
        "result",
        "write_broadcast_distribution_table",
        "read_broadcast_distribution_table",
        "read_broadcast_distribution_table_ack",
        "forwarded_npdu",
        "register_foreign_device",
        "read_foreign_device_table",
        "read_foreign_device_table_ack",
        "delete_foreign_device_table_entry",
        "distribute_broadcast_to_network",
        "original_unicast_npdu",
        "original_broadcast_npdu",
        "secure_bvll",
    ];
    at(&WORDS, function.into())
}

/// The word for a message of the network layer.
pub fn network(kind: u8) -> &'static str {
    match kind {
        0x00 => "who_is_router_to_network",
        0x01 => "i_am_router_to_network",
        0x02 => "i_could_be_router_to_network",
        0x03 => "reject_message_to_network",
        0x04 => "router_busy_to_network",
        0x05 => "router_available_to_network",
        0x06 => "initialize_routing_table",
        0x07 => "initialize_routing_table_ack",
        0x08 => "establish_connection_to_network",
        0x09 => "disconnect_connection_to_network",
        0x12 => "what_is_network_number",
        0x13 => "network_number_is",
        _ => "other",
    }
}
