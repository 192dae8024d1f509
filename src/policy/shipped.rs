//! The policies that ship with efface.

/// Name and text of each shipped policy.
pub const SHIPPED: [(&str, &str); 5] = [
    ("gdpr-default", include_str!("../../policies/gdpr-default.toml")),
    ("strict", include_str!("../../policies/strict.toml")),
    ("minimal", include_str!("../../policies/minimal.toml")),
    ("uk-gdpr", include_str!("../../policies/uk-gdpr.toml")),
    ("retention", include_str!("../../policies/retention.toml")),
];
