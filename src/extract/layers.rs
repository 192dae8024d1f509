//! Layers of escapes and markup over a text: in which order they are taken off, and what is to be searched on the way.
//!
//! One list for the search and for its prefilter, which has to see through all that the search sees through. Decodes only;
//! must not search or judge.

use std::ops::ControlFlow::{self, Break, Continue};

use super::{escapes, joints, views};
use crate::norm::Mapped;

/// How often JSON may stand in a string of JSON.
const JSON: usize = 5;

/// How often percent escapes may be escaped again.
const PERCENT: usize = 3;

/// How often the escapes of one kind may stand under those of another: JSON in an address in JSON.
const ROUNDS: usize = 3;

/// How often markup may be escaped and stand in markup.
const MARKUP: usize = 2;

/// Gets each text that appears under `text`, as the views that lead from it back, the last of which has it. Says whether
/// that is enough.
pub type See<'a> = dyn FnMut(&[Mapped]) -> ControlFlow<()> + 'a;

struct Layers<'a, 'see> {
    text: &'a str,
    taken: Vec<Mapped>,
    see: &'a mut See<'see>,
}

/// Takes off escapes: of JSON, of programming languages, of addresses, quoted-printable, and what sets a terminal's colours. Gives
/// the views down to the text that is left; `Break` where `see` had enough.
pub fn escapes(text: &str, see: &mut See<'_>) -> ControlFlow<(), Vec<Mapped>> {
    let mut layers = Layers { text, taken: Vec::new(), see };
    layers.escapes()?;
    Continue(layers.taken)
}

/// Takes off markup and what is escaped under it. As [`escapes`].
pub fn markup(text: &str, see: &mut See<'_>) -> ControlFlow<(), Vec<Mapped>> {
    let mut layers = Layers { text, taken: Vec::new(), see };
    layers.markup()?;
    Continue(layers.taken)
}

/// Takes off escapes, then markup: every text under `text`, from the outermost in. As [`escapes`].
pub fn each(text: &str, see: &mut See<'_>) -> ControlFlow<()> {
    let mut layers = Layers { text, taken: Vec::new(), see };
    layers.escapes()?;
    layers.markup()
}

type View = fn(&str) -> Option<Mapped>;

impl Layers<'_, '_> {
    fn current(&self) -> &str {
        self.taken.last().map_or(self.text, Mapped::text)
    }

    /// Takes a layer off; false where there is none.
    fn take(&mut self, view: View) -> ControlFlow<(), bool> {
        let Some(view) = view(self.current()) else { return Continue(false) };
        self.taken.push(view);
        (self.see)(&self.taken)?;
        Continue(true)
    }

    /// Looks at what views show, each over the one before, up to the first that has nothing to take off; and goes on without them.
    fn aside(&mut self, views: &[View]) -> ControlFlow<()> {
        let before = self.taken.len();
        for view in views {
            if !self.take(*view)? {
                break;
            }
        }
        self.taken.truncate(before);
        Continue(())
    }

    fn escapes(&mut self) -> ControlFlow<()> {
        let mut json = 0;
        self.between()?;
        for _ in 0..ROUNDS {
            let before = self.taken.len();
            while json < JSON && self.take(views::json_unescaped)? {
                json += 1;
                self.between()?;
            }
            self.take(escapes::c_unescaped)?;
            for _ in 0..PERCENT {
                if !self.take(views::percent_decoded)? {
                    break;
                }
            }
            self.take(views::quoted_printable_decoded)?;
            if self.taken.len() == before {
                break;
            }
        }
        self.take(escapes::without_colours)?;
        self.aside(&[escapes::plus_signs])?;
        self.aside(&[joints::comment])
    }

    /// What stands between the words of a value as long as backslashes and quotation marks are what they were.
    fn between(&mut self) -> ControlFlow<()> {
        self.aside(&[joints::text_nodes])?;
        // Once its backslashes count as an escape, nothing tells the break between two marks of emphasis any more.
        self.aside(&[joints::wiki_breaks, views::wiki_stripped])
    }

    fn markup(&mut self) -> ControlFlow<()> {
        for round in 0..MARKUP {
            self.aside(&[views::entities])?;
            self.aside(&[views::markup_tight])?;
            if !self.take(views::markup_stripped)? {
                break;
            }
            if round + 1 < MARKUP {
                self.escapes()?;
            }
        }
        self.take(views::markdown_stripped)?;
        self.take(views::wiki_stripped)?;
        Continue(())
    }
}

/// [`Break`] where `enough`.
pub const fn enough(enough: bool) -> ControlFlow<()> {
    if enough { Break(()) } else { Continue(()) }
}
