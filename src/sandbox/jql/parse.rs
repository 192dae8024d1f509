//! Tokens → tree. Knows grammar, no fields.

use super::{
    bad,
    lex::{Token, tokens},
};
use crate::sandbox::http::Failure;

/// A value as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operand {
    Value(String),
    Function(String, Vec<String>),
    List(Vec<Operand>),
    Empty,
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Eq,
    Ne,
    Like,
    NotLike,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    NotIn,
    Is,
    IsNot,
}

impl Op {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Like => "~",
            Self::NotLike => "!~",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::In => "in",
            Self::NotIn => "not in",
            Self::Is => "is",
            Self::IsNot => "is not",
        }
    }
}

/// A condition as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tree {
    And(Vec<Tree>),
    Or(Vec<Tree>),
    Not(Box<Tree>),
    Term { field: String, op: Op, operand: Operand },
}

/// A query as written: the condition, and the order (field, descending).
pub(super) type Parsed = (Option<Tree>, Vec<(String, bool)>);

/// Parses a query.
///
/// # Errors
/// Jira's message for what does not follow the grammar.
pub(super) fn parse(jql: &str) -> Result<Parsed, Failure> {
    let mut p = Parser { tokens: tokens(jql)?, at: 0, depth: 0 };
    let tree = if p.done() || p.is_word("order") { None } else { Some(p.or()?) };
    let order = p.order()?;
    if !p.done() {
        return Err(p.unexpected("either 'OR' or 'AND'"));
    }
    Ok((tree, order))
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

/// How deep parentheses may nest; a query deeper than this would only be there to exhaust the stack.
const MAX_DEPTH: usize = 100;

impl Parser {
    fn done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn unexpected(&self, wanted: &str) -> Failure {
        match self.peek() {
            None => bad(format!("Error in the JQL Query: Expecting {wanted} before the end of the query.")),
            Some(Token::Word(w) | Token::Quoted(w)) => {
                bad(format!("Error in the JQL Query: Expecting {wanted} but got '{w}'. (line 1)"))
            }
            Some(Token::Sign(s)) => bad(format!("Error in the JQL Query: Expecting {wanted} but got '{s}'. (line 1)")),
        }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let yes = self.is_word(word);
        self.at += usize::from(yes);
        yes
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let yes = matches!(self.peek(), Some(Token::Sign(s)) if *s == sign);
        self.at += usize::from(yes);
        yes
    }

    fn or(&mut self) -> Result<Tree, Failure> {
        let mut all = vec![self.and()?];
        while self.take_word("or") || self.take_sign("||") {
            all.push(self.and()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Tree::Or(all) })
    }

    fn and(&mut self) -> Result<Tree, Failure> {
        let mut all = vec![self.not()?];
        while self.take_word("and") || self.take_sign("&&") || self.take_sign("&") {
            all.push(self.not()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Tree::And(all) })
    }

    fn not(&mut self) -> Result<Tree, Failure> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(bad("Error in the JQL Query: The query is nested too deeply."));
        }
        let tree = if self.take_word("not") || self.take_sign("!") {
            Tree::Not(Box::new(self.not()?))
        } else if self.take_sign("(") {
            let inner = self.or()?;
            if !self.take_sign(")") {
                return Err(self.unexpected("')'"));
            }
            inner
        } else {
            self.term()?
        };
        self.depth -= 1;
        Ok(tree)
    }

    fn name(&mut self, wanted: &str) -> Result<String, Failure> {
        match self.peek().cloned() {
            Some(Token::Word(w) | Token::Quoted(w)) => {
                self.at += 1;
                Ok(w)
            }
            _ => Err(self.unexpected(wanted)),
        }
    }

    fn term(&mut self) -> Result<Tree, Failure> {
        let field = self.name("a field name")?;
        const OPS: [(&str, Op); 8] = [
            ("!=", Op::Ne),
            ("!~", Op::NotLike),
            ("<=", Op::Le),
            (">=", Op::Ge),
            ("=", Op::Eq),
            ("~", Op::Like),
            ("<", Op::Lt),
            (">", Op::Gt),
        ];
        let op = if let Some((_, op)) = OPS.into_iter().find(|(s, _)| self.take_sign(s)) {
            op
        } else if self.take_word("in") {
            Op::In
        } else if self.take_word("is") {
            if self.take_word("not") { Op::IsNot } else { Op::Is }
        } else if self.is_word("not") {
            self.at += 1;
            if !self.take_word("in") {
                return Err(self.unexpected("'IN'"));
            }
            Op::NotIn
        } else if self.is_word("was") || self.is_word("changed") {
            return Err(bad("Error in the JQL Query: this sandbox does not search the history ('was', 'changed')."));
        } else {
            return Err(self.unexpected(
                "operator. The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', \
                                        'IN', 'NOT IN', 'IS' and 'IS NOT'",
            ));
        };
        let operand = self.operand()?;
        Ok(Tree::Term { field, op, operand })
    }

    fn operand(&mut self) -> Result<Operand, Failure> {
        if self.take_sign("(") {
            let mut list = vec![self.operand()?];
            while self.take_sign(",") {
                list.push(self.operand()?);
            }
            if !self.take_sign(")") {
                return Err(self.unexpected("either ')' or ','"));
            }
            return Ok(Operand::List(list));
        }
        let quoted = matches!(self.peek(), Some(Token::Quoted(_)));
        let text = self.name("either a value, list or function")?;
        if !quoted && (text.eq_ignore_ascii_case("empty") || text.eq_ignore_ascii_case("null")) {
            return Ok(Operand::Empty);
        }
        if !quoted && self.take_sign("(") {
            let mut arguments = Vec::new();
            while !self.take_sign(")") {
                arguments.push(self.name("a function argument")?);
                self.take_sign(",");
            }
            return Ok(Operand::Function(text, arguments));
        }
        Ok(Operand::Value(text))
    }

    fn order(&mut self) -> Result<Vec<(String, bool)>, Failure> {
        let mut out = Vec::new();
        if !self.take_word("order") {
            return Ok(out);
        }
        if !self.take_word("by") {
            return Err(self.unexpected("'BY'"));
        }
        loop {
            let field = self.name("a field name")?;
            let descending = self.take_word("desc") || {
                self.take_word("asc");
                false
            };
            out.push((field, descending));
            if !self.take_sign(",") {
                return Ok(out);
            }
        }
    }
}
