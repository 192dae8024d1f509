//! Colours, panel types, emoticons and lozenges: the small tables that ADF and wiki markup share. Pure data.
//!
//! The pairs are those of Atlassian's own converter (`@atlaskit/editor-wikimarkup-transformer`) and of Jira's "Text
//! Formatting Notation Help", so that Cloud and Data Center show the same.

/// A colour of text, as red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Color(pub(super) [u8; 3]);

/// Names that people write in `{color:…}`; any other name leaves the macro as text.
const NAMES: [(&str, u32); 34] = [
    ("aqua", 0x00_ff_ff),
    ("black", 0x00_00_00),
    ("blue", 0x00_00_ff),
    ("brown", 0xa5_2a_2a),
    ("crimson", 0xdc_14_3c),
    ("cyan", 0x00_ff_ff),
    ("darkblue", 0x00_00_8b),
    ("darkgray", 0xa9_a9_a9),
    ("darkgreen", 0x00_64_00),
    ("darkgrey", 0xa9_a9_a9),
    ("darkorange", 0xff_8c_00),
    ("darkred", 0x8b_00_00),
    ("fuchsia", 0xff_00_ff),
    ("gold", 0xff_d7_00),
    ("gray", 0x80_80_80),
    ("green", 0x00_80_00),
    ("grey", 0x80_80_80),
    ("indigo", 0x4b_00_82),
    ("lightblue", 0xad_d8_e6),
    ("lightgreen", 0x90_ee_90),
    ("lightgrey", 0xd3_d3_d3),
    ("lime", 0x00_ff_00),
    ("magenta", 0xff_00_ff),
    ("maroon", 0x80_00_00),
    ("navy", 0x00_00_80),
    ("olive", 0x80_80_00),
    ("orange", 0xff_a5_00),
    ("pink", 0xff_c0_cb),
    ("purple", 0x80_00_80),
    ("red", 0xff_00_00),
    ("silver", 0xc0_c0_c0),
    ("teal", 0x00_80_80),
    ("white", 0xff_ff_ff),
    ("yellow", 0xff_ff_00),
];

impl Color {
    const fn of(rgb: u32) -> Self {
        let [_, r, g, b] = rgb.to_be_bytes();
        Self([r, g, b])
    }

    /// `#rrggbb`, as ADF has it.
    pub(super) fn hex(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        let hex = digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then(|| u32::from_str_radix(digits, 16).ok().map(Self::of)).flatten()
    }

    /// As wiki markup has it: `#rrggbb`, `#rgb` or a name.
    pub(super) fn wiki(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').unwrap_or_default();
        if digits.len() == 3 && digits.is_ascii() {
            let long: String = digits.chars().flat_map(|c| [c, c]).collect();
            return Self::hex(&format!("#{long}"));
        }
        let named = || NAMES.iter().find(|(n, _)| n.eq_ignore_ascii_case(text)).map(|(_, rgb)| Self::of(*rgb));
        Self::hex(text).or_else(named)
    }

    fn distance(self, other: Self) -> u32 {
        self.0.iter().zip(other.0).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
    }
}

impl std::fmt::Display for Color {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

/// The kind of a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Panel {
    Info,
    Note,
    Success,
    Warning,
    Error,
}

/// Kind, ADF's name, the background by which wiki markup tells it.
const PANELS: [(Panel, &str, u32); 5] = [
    (Panel::Info, "info", 0xde_eb_ff),
    (Panel::Note, "note", 0xea_e6_ff),
    (Panel::Success, "success", 0xe3_fc_ef),
    (Panel::Warning, "warning", 0xff_fa_e6),
    (Panel::Error, "error", 0xff_eb_e6),
];

impl Panel {
    /// By ADF's name, or by that of a macro (`tip`).
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = if name == "tip" { "success" } else { name };
        PANELS.iter().find(|(_, n, _)| *n == name).map(|(kind, ..)| *kind)
    }

    /// The kind whose background is nearest.
    pub(super) fn colored(color: Color) -> Self {
        PANELS.iter().min_by_key(|(.., rgb)| color.distance(Color::of(*rgb))).map_or(Self::Info, |(kind, ..)| *kind)
    }

    fn row(self) -> &'static (Self, &'static str, u32) {
        PANELS.iter().find(|(kind, ..)| *kind == self).unwrap_or(&PANELS[0])
    }

    pub(super) fn name(self) -> &'static str {
        self.row().1
    }

    pub(super) fn color(self) -> Color {
        Color::of(self.row().2)
    }
}

/// Colours of ADF's status lozenges, and how they look as text.
const LOZENGES: [(&str, u32); 6] = [
    ("neutral", 0x97_a0_af),
    ("purple", 0x65_54_c0),
    ("blue", 0x00_b8_d9),
    ("red", 0xff_56_30),
    ("yellow", 0xff_99_1f),
    ("green", 0x36_b3_7e),
];

/// The text colour of a lozenge.
pub(super) fn lozenge_color(name: &str) -> Color {
    Color::of(LOZENGES.iter().find(|(n, _)| *n == name).unwrap_or(&LOZENGES[0]).1)
}

/// The lozenge that has this text colour.
pub(super) fn lozenge_name(color: Color) -> Option<&'static str> {
    LOZENGES.iter().find(|(_, rgb)| Color::of(*rgb) == color).map(|(name, _)| *name)
}

/// An emoji that wiki markup has characters for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Emoji {
    /// The characters, the first of them being written.
    pub(super) wiki: &'static [&'static str],
    pub(super) id: &'static str,
    pub(super) short_name: &'static str,
    pub(super) text: &'static str,
}

macro_rules! emoji {
    ($($wiki:expr, $id:literal, $short:literal, $text:literal;)*) => {
        &[$(Emoji { wiki: &$wiki, id: $id, short_name: $short, text: $text }),*]
    };
}

pub(super) static EMOJI: &[Emoji] = emoji! {
    [":)", ":-)"], "1f642", ":slight_smile:", "🙂";
    [":(", ":-("], "1f61e", ":disappointed:", "😞";
    [":P", ":-P", ":p", ":-p"], "1f61b", ":stuck_out_tongue:", "😛";
    [":D", ":-D"], "1f603", ":smiley:", "😃";
    [";)", ";-)"], "1f609", ":wink:", "😉";
    ["(y)"], "1f44d", ":thumbsup:", "👍";
    ["(n)"], "1f44e", ":thumbsdown:", "👎";
    ["(i)"], "atlassian-info", ":info:", ":info:";
    ["(/)"], "atlassian-check_mark", ":check_mark:", ":check_mark:";
    ["(x)"], "atlassian-cross_mark", ":cross_mark:", ":cross_mark:";
    ["(!)"], "atlassian-warning", ":warning:", ":warning:";
    ["(+)"], "atlassian-plus", ":plus:", ":plus:";
    ["(-)"], "atlassian-minus", ":minus:", ":minus:";
    ["(?)"], "atlassian-question_mark", ":question:", ":question:";
    ["(on)"], "atlassian-light_bulb_on", ":light_bulb_on:", ":light_bulb_on:";
    ["(off)"], "atlassian-light_bulb_off", ":light_bulb_off:", ":light_bulb_off:";
    ["(*)", "(*y)"], "atlassian-yellow_star", ":yellow_star:", ":yellow_star:";
    ["(*r)"], "atlassian-red_star", ":red_star:", ":red_star:";
    ["(*g)"], "atlassian-green_star", ":green_star:", ":green_star:";
    ["(*b)"], "atlassian-blue_star", ":blue_star:", ":blue_star:";
    ["(flag)"], "atlassian-flag_on", ":flag_on:", ":flag_on:";
    ["(flagoff)"], "atlassian-flag_off", ":flag_off:", ":flag_off:";
};

/// The emoji of an ADF node by its short name and what it shows, where that is all that it says.
pub(super) fn emoji_of(short_name: Option<&str>, text: Option<&str>) -> Option<&'static Emoji> {
    let emoji = EMOJI.iter().find(|e| Some(e.short_name) == short_name)?;
    text.is_none_or(|t| t == emoji.text || t == emoji.short_name).then_some(emoji)
}
