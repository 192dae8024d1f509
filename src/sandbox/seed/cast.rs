//! The people. Each is there for what makes matching hard: diacritics, particles, namesakes, upper case, short names.

/// An invented person.
#[derive(Debug, Clone, Copy)]
pub struct CastMember {
    /// Login name on Data Center.
    pub name: &'static str,
    /// Full name.
    pub display_name: &'static str,
    /// E-mail.
    pub email: &'static str,
    /// Whether the account is active.
    pub active: bool,
    /// Whether Cloud hides the e-mail.
    pub email_hidden: bool,
    /// Whether the Data Center key is an old one: the login name in lower case.
    pub old_key: bool,
}

const fn person(name: &'static str, display_name: &'static str, email: &'static str) -> CastMember {
    CastMember { name, display_name, email, active: true, email_hidden: false, old_key: false }
}

/// Everybody but the bot, in the order of their accounts.
pub const CAST: &[CastMember] = &[
    // A particle in the name, and a login name that says nothing of it.
    person("mvdveldt", "Marijke van der Veldt", "marijke.vanderveldt@hq.example"),
    // Diacritics, and a part of the name behind a hyphen.
    person("zoe.oezdemir", "Zoë Özdemir-Grün", "zoe.oezdemir@hq.example"),
    // Upper case in the login name and in the full name; an old key.
    CastMember { old_key: true, ..person("KBRANDT", "Katrin BRANDT", "K.Brandt@hq.example") },
    // Two namesakes.
    person("aschmitt", "Anna Schmitt", "anna.schmitt@hq.example"),
    person("aschmitt2", "Anna Schmitt", "anna.schmitt@partner.example"),
    // Left the company: deactivated, still all over the issues.
    CastMember { active: false, ..person("t.zielonka", "Tomasz Zielónka", "tomasz.zielonka@hq.example") },
    // A name whose parts are words of everyday language.
    person("rlight", "Rose Light", "rose.light@partner.example"),
    // Hides the e-mail on Cloud.
    CastMember { email_hidden: true, ..person("obrien.s", "Siobhán O'Brien", "siobhan.obrien@partner.example") },
    // An apostrophe and a family name first.
    person("ngnguyen", "Nguyễn Thị Hoa", "hoa.nguyen@partner.example"),
    CastMember { old_key: true, ..person("jlindqvist", "Jonas Lindqvist", "jonas.lindqvist@hq.example") },
    person("li.na", "Li Na", "li.na@hq.example"),
    CastMember { email_hidden: true, ..person("fdacosta", "Filipa da Costa", "filipa.dacosta@partner.example") },
    person("petrova", "Екатерина Петрова", "e.petrova@partner.example"),
    person("mweber", "Markus Weber", "markus.weber@hq.example"),
    person("abdi.h", "Hodan Abdi", "hodan.abdi@hq.example"),
];
