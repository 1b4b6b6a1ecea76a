//! From text to CEL's syntax tree, with syntax errors that a person can mend.
//!
//! Invariant: whatever the text, the process lives. The parser is generated code that takes some 100 KiB of stack for
//! each bracket, so it runs, with everything that walks its tree, on a thread whose stack is large enough for the
//! longest condition allowed; a panic of it ends that thread and becomes an error.

use cel::common::ast::{CallExpr, Expr, IdedExpr, SourceInfo};
use cel::{Env, ParseErrors};

use super::ConditionError;

/// The longest condition, in bytes. No honest one comes near.
pub(super) const LONGEST: usize = 4096;
/// How deeply brackets may be nested.
const DEEPEST: u16 = 32;
/// Twice what the worst text of [`LONGEST`] bytes and [`DEEPEST`] brackets was seen to take in a debug build.
const STACK: usize = 32 << 20;

/// What editors and mail make of quotation marks.
const TYPOGRAPHIC: [char; 10] = ['“', '”', '„', '‟', '‘', '’', '‚', '‛', '«', '»'];

/// CEL's tree, with the places of its nodes in the text.
pub(super) struct Syntax<'s> {
    pub(super) root: IdedExpr,
    source: &'s str,
    info: SourceInfo,
}

impl Syntax<'_> {
    /// Where an expression begins. The parser places a field at its dot, an operator at its sign and a function at its
    /// bracket; of an operator the sign is what to point at.
    pub(super) fn offset(&self, node: &IdedExpr) -> usize {
        match &node.expr {
            Expr::Select(select) => self.offset(&select.operand),
            Expr::Call(CallExpr {
                target: Some(target),
                ..
            }) => self.offset(target),
            Expr::Call(_) => self.name_offset(node),
            Expr::Unspecified
            | Expr::Comprehension(_)
            | Expr::Ident(_)
            | Expr::List(_)
            | Expr::Literal(_)
            | Expr::Map(_)
            | Expr::Struct(_) => self.start(node),
        }
    }

    /// Where the name of the field or function begins that an expression asks for.
    pub(super) fn name_offset(&self, node: &IdedExpr) -> usize {
        let start = self.start(node);
        match &node.expr {
            Expr::Select(_) => {
                let after = self.source.get(start + 1..).unwrap_or_default();
                start + 1 + after.len() - after.trim_start().len()
            }
            Expr::Call(call) => {
                let before = self.source.get(..start).unwrap_or_default().trim_end();
                before
                    .strip_suffix(call.func_name.as_str())
                    .map_or(start, str::len)
            }
            Expr::Unspecified
            | Expr::Comprehension(_)
            | Expr::Ident(_)
            | Expr::List(_)
            | Expr::Literal(_)
            | Expr::Map(_)
            | Expr::Struct(_) => start,
        }
    }

    fn start(&self, node: &IdedExpr) -> usize {
        self.info
            .offset_for(node.id)
            .map_or(0, |(start, _)| start as usize)
    }
}

/// Parses `source` and hands the tree to `then`.
pub(super) fn parsed<T: Send>(
    source: &str,
    then: impl FnOnce(&Syntax<'_>) -> Result<T, ConditionError> + Send,
) -> Result<T, ConditionError> {
    let error = |offset, message: &str| Err(ConditionError::new(offset, message));
    if source.len() > LONGEST {
        let offset = source.floor_char_boundary(LONGEST);
        return error(offset, &format!("a condition has at most {LONGEST} bytes"));
    }
    if source.trim().is_empty() {
        return error(0, "the condition is empty");
    }
    std::thread::scope(|scope| {
        let work = || {
            // Without macros, so that the tree is what was written.
            let parser = Env::default()
                .parser()
                .enable_optional_syntax(false)
                .max_recursion_depth(DEEPEST);
            let (root, info) = parser
                .parse_with_source_info(source)
                .map_err(|errors| syntax_error(source, &errors))?;
            then(&Syntax { root, source, info })
        };
        match std::thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, work)
        {
            Ok(thread) => thread
                .join()
                .unwrap_or_else(|_| error(0, "the condition cannot be parsed")),
            Err(fault) => error(
                0,
                &format!("no thread could be started to parse the condition: {fault}"),
            ),
        }
    })
}

fn syntax_error(source: &str, errors: &ParseErrors) -> ConditionError {
    let is_too_deep = errors.errors.iter().any(|error| {
        // The parser gives up in two ways: with its message, or with none and no place.
        error.msg.contains("Recursion limit") || error.pos == (0, 0)
    });
    let Some(first) = errors.errors.first().filter(|_| !is_too_deep) else {
        return ConditionError::new(0, format!("brackets are nested more than {DEEPEST} deep"));
    };
    let offset = offset_of(source, first.pos);
    let message = advice(&source[..offset], &source[offset..], &first.msg);
    ConditionError::new(offset, message)
}

/// The byte at a line and column, both from 1, columns in characters.
fn offset_of(source: &str, (line, column): (isize, isize)) -> usize {
    let back = |number: isize| usize::try_from(number).unwrap_or(1).saturating_sub(1);
    let mut lines = source.split_inclusive('\n');
    let before: usize = lines.by_ref().take(back(line)).map(str::len).sum();
    let within = lines.next().unwrap_or_default();
    let column = within
        .char_indices()
        .nth(back(column))
        .map_or(within.len(), |(index, _)| index);
    before + column
}

/// What the text around the place of the error suggests, else what the parser said.
fn advice(before: &str, rest: &str, said: &str) -> String {
    let word: String = rest
        .chars()
        .take_while(|character| character.is_alphanumeric() || *character == '_')
        .flat_map(char::to_lowercase)
        .collect();
    let symbols: String = rest
        .chars()
        .take_while(|character| "=<>&|!~".contains(*character))
        .collect();
    let is_after_not = before.trim_end().to_lowercase().ends_with("not");
    let is_after_number = before
        .trim_end()
        .ends_with(|last: char| last.is_ascii_digit());
    let is_unit = [
        "d", "day", "h", "hour", "w", "week", "m", "month", "y", "year",
    ]
    .contains(&word.strip_suffix('s').unwrap_or(&word));
    let known = match (word.as_str(), symbols.as_str()) {
        ("and", _) => Some("\"and\" is written &&"),
        ("or", _) => Some("\"or\" is written ||"),
        ("not", _) => Some("\"not\" is written !"),
        _ if is_after_not => Some("\"not\" is written !"),
        _ if is_after_number && is_unit => {
            Some("a number stands alone, without a unit; what counts days is compared with 90")
        }
        _ if rest.starts_with(TYPOGRAPHIC) => {
            Some("this is no quotation mark of CEL; write \"...\" or '...'")
        }
        ("is" | "equals", _) => Some("equality is written =="),
        (_, "=") => Some("equality is written ==, with two signs"),
        (_, "=>" | "=<") => Some("the sign = comes last: >= or <="),
        (_, ">") if before.ends_with('<') => Some("inequality is written !="),
        (_, "&") => Some("\"and\" is written &&, with two signs"),
        (_, "|") => Some("\"or\" is written ||, with two signs"),
        _ if rest.starts_with(['\'', '"']) => {
            Some("this string is not closed, or has a bad escape")
        }
        _ if rest.is_empty() && said.contains("missing ')'") => Some("a bracket is not closed"),
        _ if rest.is_empty() => Some("the condition ends too early"),
        _ if said.contains("invalid int literal") => Some("this number is too large"),
        _ => None,
    };
    if let Some(known) = known {
        return known.to_owned();
    }
    let said = said.strip_prefix("Syntax error: ").unwrap_or(said);
    let said = said.split(" expecting ").next().unwrap_or(said);
    format!("not a CEL expression: {said}")
}
