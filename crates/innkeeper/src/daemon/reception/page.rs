//! The pages. They load nothing, run nothing, and whatever comes from the directory is text in them: a guest chooses its
//! own display name.

use axum::http::StatusCode;
use innkeeper_domain::attestation::Answer;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::Question;
use super::question::Prospect;
use innkeeper_domain::shown::one_line;

const STYLE: &str = "
:root { color-scheme: light dark; }
body { font: 17px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 36rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.2rem; }
dt { opacity: .7; }
dd { margin: 0; overflow-wrap: anywhere; }
label { display: block; margin: 1.2rem 0 .3rem; }
input { font: inherit; width: 100%; box-sizing: border-box; padding: .4rem; }
button { font: inherit; padding: .6rem 1.2rem; margin: 1.2rem .8rem 0 0; }
small { opacity: .7; }
";

/// Characters of a name that are shown.
const LONGEST_NAME: usize = 200;

/// One page.
pub(super) enum Page<'q> {
    /// The question.
    Ask(&'q Question),
    /// The answer was written down; the question as it stands with it.
    Thanks(&'q Question, Answer),
    /// There is no such link.
    NoLink,
    /// The link's time is over.
    Over,
    /// Somebody else answers for the guest now.
    NotYours,
    /// There is nothing to ask any more.
    Settled,
    /// The account is disabled or deleted already.
    Taken { contact: Vec<String> },
    /// The form said neither the one nor the other.
    NoAnswer,
    /// Too much at once.
    TooOften,
    /// It could not be found out.
    Later,
}

impl Page<'_> {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Ask(_) | Self::Thanks(..) => StatusCode::OK,
            Self::NoLink => StatusCode::NOT_FOUND,
            Self::NotYours => StatusCode::FORBIDDEN,
            Self::Over | Self::Settled => StatusCode::GONE,
            Self::Taken { .. } => StatusCode::CONFLICT,
            Self::NoAnswer => StatusCode::BAD_REQUEST,
            Self::TooOften => StatusCode::TOO_MANY_REQUESTS,
            Self::Later => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub(super) fn html(&self) -> String {
        let (title, body) = self.parts();
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="robots" content="noindex";
                    title { (title) }
                    style { (PreEscaped(STYLE)) }
                }
                body { h1 { (title) } (body) }
            }
        };
        page.into_string()
    }

    fn parts(&self) -> (&'static str, Markup) {
        match self {
            Self::Ask(question) => ("Is this guest account still needed?", ask(question)),
            Self::Thanks(question, said) => ("Thank you", thanks(question, *said)),
            Self::NoLink => (
                "This link is not known",
                html! { p { "Please open the link in your mail again; copy all of it if it is broken over two lines. If it was sent some time ago, it may have been called back." } },
            ),
            Self::Over => (
                "This link is no longer good",
                html! { p { "Its time is over. If the account is still in question, you will be sent a new one." } },
            ),
            Self::NotYours => (
                "You are not asked about this account any more",
                html! { p { "Somebody else answers for it now." } },
            ),
            Self::Settled => (
                "Nothing is asked any more",
                html! { p { "The matter that you were written to about is settled." } },
            ),
            Self::Taken { contact } => (
                "The account has been disabled already",
                html! {
                    p { "A link cannot bring it back. It can still be enabled or restored for some time: please "
                        @if contact.is_empty() { "ask your identity team." } @else { "write to " (contact.join(", ")) "." } }
                },
            ),
            Self::NoAnswer => (
                "No answer was given",
                html! { p { "Please go back and choose one of the two." } },
            ),
            Self::TooOften => (
                "Too many answers",
                html! { p { "Please try again later." } },
            ),
            Self::Later => (
                "Not now",
                html! { p { "The answer cannot be taken at the moment. Please try again in a few minutes." } },
            ),
        }
    }
}

fn ask(question: &Question) -> Markup {
    html! {
        (about(question))
        form method="post" {
            label for="reason" { "Why? (if you want to say so)" }
            input type="text" id="reason" name="reason" maxlength="300" autocomplete="off";
            button name="answer" value=(Answer::Keep.as_str()) { "It is still needed" }
            button name="answer" value=(Answer::LetGo.as_str()) { "It is not needed any more" }
        }
        p { small { "You answer as " (question.answerer.address) ". Neither answer changes the account at once; the rules of " (question.tenant) " take it into account." } }
    }
}

fn about(question: &Question) -> Markup {
    let name: String = one_line(&question.name)
        .chars()
        .take(LONGEST_NAME)
        .collect();
    html! {
        dl {
            dt { "Guest" } dd { (name) }
            dt { "From" } dd { (question.domain.as_deref().unwrap_or("not known")) }
            dt { "Account at" } dd { (question.tenant) }
            dt { "Last sign-in" } dd {
                @match question.last_sign_in {
                    Some(at) => (at.date_naive()),
                    None => "none is known",
                }
            }
            dt { "What comes next" } dd { (prospect(&question.prospect)) }
            @if let Some(said) = &question.said {
                dt { "You said" } dd { (word(said.answer)) ", on " (said.at.date_naive()) }
            }
        }
    }
}

fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Keep => "that it is still needed",
        Answer::LetGo => "that it is not needed any more",
    }
}

fn prospect(prospect: &Prospect) -> String {
    match prospect {
        Prospect::Stays => "nothing: the account stays as it is".to_owned(),
        Prospect::Follows(what) => what.clone(),
        Prospect::WouldFollow(what) => {
            format!("nothing by itself for the time being; the rules ask for this: {what}")
        }
    }
}

fn thanks(question: &Question, said: Answer) -> Markup {
    let still = match (said, &question.prospect) {
        (Answer::Keep, Prospect::Stays) => "With your answer the account stays.",
        (Answer::Keep, Prospect::Follows(_) | Prospect::WouldFollow(_)) => {
            "Your answer is written down, but the rules ask for more than that: the reason in the mail has to go away as well."
        }
        (Answer::LetGo, _) => {
            "Your answer is written down. The account is not touched at once, and you can change your mind by the same link."
        }
    };
    html! { p { (still) } (about(question)) }
}
