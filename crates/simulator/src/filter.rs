//! `$filter`: the part of the language that Graph's directory understands.
//!
//! Invariant: a filter is understood whole or refused; no part of it is ever dropped.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::reply::Reply;

/// "By default at most 15 expressions in one `in` or or-list."
const MAX_CHILDREN: usize = 15;
/// "The compared string value is at most 120 characters long."
const MAX_TEXT: usize = 120;
/// Deeper nesting is nobody's filter.
const MAX_DEPTH: usize = 20;

/// Comparison operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Eq,
    Ne,
    Ge,
    Le,
    Gt,
    Lt,
}

impl Operator {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Ge => "ge",
            Self::Le => "le",
            Self::Gt => "gt",
            Self::Lt => "lt",
        }
    }
}

/// What a property is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Text(String),
    Time(DateTime<Utc>),
    Bool(bool),
    Null,
    /// Anything else without quotes: a number, a bare GUID.
    Bare(String),
}

/// A filter, parsed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    Compare {
        property: String,
        operator: Operator,
        value: Literal,
    },
    In {
        property: String,
        values: Vec<Literal>,
    },
    StartsWith {
        property: String,
        text: String,
    },
    EndsWith {
        property: String,
        text: String,
    },
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
    Comma,
}

fn invalid(why: &str) -> Reply {
    Reply::malformed(format!("Invalid filter clause: {why}"))
}

fn tokens(text: &str) -> Result<Vec<Token>, Reply> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            ' ' | '\t' => {}
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            ',' => tokens.push(Token::Comma),
            '\'' => {
                let mut value = String::new();
                loop {
                    match rest.next() {
                        Some('\'') if rest.peek() == Some(&'\'') => {
                            rest.next();
                            value.push('\'');
                        }
                        Some('\'') => break,
                        Some(other) => value.push(other),
                        None => return Err(invalid("There is an unterminated string literal.")),
                    }
                }
                if value.chars().count() > MAX_TEXT {
                    return Err(invalid("The compared value is longer than 120 characters."));
                }
                tokens.push(Token::Text(value));
            }
            other => {
                let mut word = String::from(other);
                while let Some(more) = rest.peek().copied() {
                    if matches!(more, ' ' | '\t' | '(' | ')' | ',' | '\'') {
                        break;
                    }
                    word.push(more);
                    rest.next();
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Ok(tokens)
}

/// Parses a `$filter`.
pub(crate) fn parse(text: &str) -> Result<Expression, Reply> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
    };
    let expression = parser.any()?;
    match parser.peek() {
        None => Ok(expression),
        Some(token) => Err(invalid(&format!(
            "unexpected {token:?} at position {}.",
            parser.at
        ))),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self) -> Result<Token, Reply> {
        let token = self
            .peek()
            .cloned()
            .ok_or_else(|| invalid("the expression is incomplete."))?;
        self.at += 1;
        Ok(token)
    }

    fn expect(&mut self, wanted: &Token) -> Result<(), Reply> {
        match self.take()? {
            token if token == *wanted => Ok(()),
            token => Err(invalid(&format!("expected {wanted:?}, found {token:?}."))),
        }
    }

    fn takes_word(&mut self, wanted: &str) -> bool {
        let found =
            matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(wanted));
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<Expression, Reply> {
        let mut parts = vec![self.all()?];
        while self.takes_word("or") {
            parts.push(self.all()?);
        }
        if parts.len() > MAX_CHILDREN {
            return Err(too_many(parts.len()));
        }
        Ok(single(parts, Expression::Any))
    }

    fn all(&mut self) -> Result<Expression, Reply> {
        let mut parts = vec![self.one()?];
        while self.takes_word("and") {
            parts.push(self.one()?);
        }
        Ok(single(parts, Expression::All))
    }

    fn one(&mut self) -> Result<Expression, Reply> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(invalid("the expression is nested too deeply."));
        }
        let found = self.one_inside();
        self.depth -= 1;
        found
    }

    fn one_inside(&mut self) -> Result<Expression, Reply> {
        if self.takes_word("not") {
            return Ok(Expression::Not(Box::new(self.one()?)));
        }
        match self.take()? {
            Token::Open => {
                let inner = self.any()?;
                self.expect(&Token::Close)?;
                Ok(inner)
            }
            Token::Word(word) if self.peek() == Some(&Token::Open) => self.function(&word),
            Token::Word(property) => self.comparison(property),
            token => Err(invalid(&format!("unexpected {token:?}."))),
        }
    }

    fn function(&mut self, name: &str) -> Result<Expression, Reply> {
        self.expect(&Token::Open)?;
        let Token::Word(property) = self.take()? else {
            return Err(invalid("a function takes a property first."));
        };
        self.expect(&Token::Comma)?;
        let Token::Text(text) = self.take()? else {
            return Err(invalid("a function takes a string second."));
        };
        self.expect(&Token::Close)?;
        match name.to_ascii_lowercase().as_str() {
            "startswith" => Ok(Expression::StartsWith { property, text }),
            "endswith" => Ok(Expression::EndsWith { property, text }),
            _ => Err(invalid(&format!(
                "An unknown function with name '{name}' was found."
            ))),
        }
    }

    fn comparison(&mut self, property: String) -> Result<Expression, Reply> {
        let Token::Word(operator) = self.take()? else {
            return Err(invalid("expected an operator."));
        };
        let operator = match operator.to_ascii_lowercase().as_str() {
            "in" => return self.one_of(property),
            "eq" => Operator::Eq,
            "ne" => Operator::Ne,
            "ge" => Operator::Ge,
            "le" => Operator::Le,
            "gt" => Operator::Gt,
            "lt" => Operator::Lt,
            other => return Err(invalid(&format!("'{other}' is not an operator."))),
        };
        let value = self.literal()?;
        Ok(Expression::Compare {
            property,
            operator,
            value,
        })
    }

    fn one_of(&mut self, property: String) -> Result<Expression, Reply> {
        self.expect(&Token::Open)?;
        let mut values = vec![self.literal()?];
        while self.peek() == Some(&Token::Comma) {
            self.at += 1;
            values.push(self.literal()?);
        }
        self.expect(&Token::Close)?;
        if values.len() > MAX_CHILDREN {
            return Err(too_many(values.len()));
        }
        Ok(Expression::In { property, values })
    }

    fn literal(&mut self) -> Result<Literal, Reply> {
        match self.take()? {
            Token::Text(text) => Ok(Literal::Text(text)),
            Token::Word(word) => Ok(match word.as_str() {
                "true" => Literal::Bool(true),
                "false" => Literal::Bool(false),
                "null" => Literal::Null,
                other => match DateTime::parse_from_rfc3339(other) {
                    Ok(time) => Literal::Time(time.to_utc()),
                    Err(_) => Literal::Bare(word),
                },
            }),
            token => Err(invalid(&format!("expected a value, found {token:?}."))),
        }
    }
}

impl Expression {
    /// The parts that must all hold, for collections that know nothing but `and`.
    pub(crate) fn parts(self) -> Vec<Self> {
        match self {
            Self::All(parts) => parts.into_iter().flat_map(Self::parts).collect(),
            other => vec![other],
        }
    }

    /// The property that a part is about, to name it in a refusal.
    pub(crate) fn property(&self) -> &str {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.first().map_or("", Self::property),
            Self::Not(part) => part.property(),
            Self::Compare { property, .. }
            | Self::In { property, .. }
            | Self::StartsWith { property, .. }
            | Self::EndsWith { property, .. } => property,
        }
    }

    /// The ids, if this part is `id eq '..'` or `id in (..)` on this property.
    pub(crate) fn ids(&self, wanted: &str) -> Option<Vec<Uuid>> {
        let id = |value: &Literal| match value {
            Literal::Text(text) => Uuid::try_parse(text).ok(),
            Literal::Time(_) | Literal::Bool(_) | Literal::Null | Literal::Bare(_) => None,
        };
        match self {
            Self::Compare {
                property,
                operator: Operator::Eq,
                value,
            } if property == wanted => Some(id(value).into_iter().collect()),
            Self::In { property, values } if property == wanted => {
                Some(values.iter().filter_map(id).collect())
            }
            _ => None,
        }
    }
}

fn single(mut parts: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.len() {
        1 => parts.remove(0),
        _ => join(parts),
    }
}

fn too_many(count: usize) -> Reply {
    Reply::unsupported(format!(
        "Too many child clauses specified in search filter expression containing 'OR' operators: {count}. Max allowed: {MAX_CHILDREN}."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn and_binds_closer_than_or() {
        let parsed = parse("a eq 1 or b eq true and not (c in ('x','it''s'))").unwrap();
        let Expression::Any(parts) = parsed else {
            panic!("an or: {parsed:?}")
        };
        assert_eq!(parts.len(), 2);
        assert!(matches!(&parts[1], Expression::All(both) if both.len() == 2));
    }

    #[test]
    fn what_is_not_a_filter_is_refused() {
        for text in [
            "",
            "a eq",
            "a eq 'b",
            "a is 'b'",
            "(a eq 1",
            "a eq 1)",
            "f(a,'b') c",
            "max(a,'b')",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let many: Vec<String> = (0..16).map(|n| format!("'{n}'")).collect();
        assert!(parse(&format!("id in ({})", many.join(","))).is_err());
    }
}
