//! `$filter` on users ("filter on properties of directory objects", users; default index and advanced queries).
//!
//! Invariant: an operator, a property or a kind of value that Graph does not take there is refused; a comparison never
//! falls back to another property.

use uuid::Uuid;

use crate::filter::{Expression, Literal, Operator};
use crate::reply::Reply;
use crate::second::Second;
use crate::tenant::{Activity, CreationType, Directory, InvitationState, User, UserIx};

/// A property that users can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Property {
    Id,
    UserType,
    Enabled,
    Created,
    CreationType,
    State,
    Upn,
    Mail,
    DisplayName,
    Synced,
    Activity(Sense),
}

/// A moment of `signInActivity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sense {
    Interactive,
    NonInteractive,
    Success,
}

impl Sense {
    fn of(self, shown: &Activity) -> Option<Second> {
        match self {
            Self::Interactive => shown.interactive,
            Self::NonInteractive => shown.non_interactive,
            Self::Success => shown.success,
        }
    }
}

/// A filter, made for users.
#[derive(Clone, Debug)]
pub(super) enum UserFilter {
    All(Vec<UserFilter>),
    Any(Vec<UserFilter>),
    Not(Box<UserFilter>),
    Ids(Vec<Uuid>),
    /// One of these, in lower case; `None` stands for null.
    Text(Property, Vec<Option<String>>),
    StartsWith(Property, String),
    EndsWith(Property, String),
    Bool(Property, Option<bool>),
    Time(Property, Operator, Second),
    NoTime(Property),
}

impl Property {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "id" => Self::Id,
            "userType" => Self::UserType,
            "accountEnabled" => Self::Enabled,
            "createdDateTime" => Self::Created,
            "creationType" => Self::CreationType,
            "externalUserState" => Self::State,
            "userPrincipalName" => Self::Upn,
            "mail" => Self::Mail,
            "displayName" => Self::DisplayName,
            "onPremisesSyncEnabled" => Self::Synced,
            "signInActivity/lastSignInDateTime" => Self::Activity(Sense::Interactive),
            "signInActivity/lastNonInteractiveSignInDateTime" => {
                Self::Activity(Sense::NonInteractive)
            }
            "signInActivity/lastSuccessfulSignInDateTime" => Self::Activity(Sense::Success),
            _ => return None,
        })
    }

    fn text(self, directory: &Directory, ix: UserIx, user: &User) -> Option<String> {
        match self {
            Self::Id => Some(user.id.to_string()),
            Self::UserType => Some(user.user_type.name().to_owned()),
            Self::CreationType => user
                .creation_type
                .map(|kind| CreationType::name(kind).to_owned()),
            Self::State => user
                .state
                .map(|state| InvitationState::name(state).to_owned()),
            Self::Upn => Some(directory.upn(ix)),
            Self::Mail => Some(directory.mail(ix)),
            Self::DisplayName => Some(directory.display_name(ix)),
            Self::Enabled | Self::Created | Self::Synced | Self::Activity(_) => None,
        }
    }

    fn time(self, user: &User) -> Option<Second> {
        match self {
            Self::Created => user.created,
            // Users who never signed in are never found.
            Self::Activity(sense) => sense.of(&user.shown),
            Self::Id
            | Self::UserType
            | Self::Enabled
            | Self::CreationType
            | Self::State
            | Self::Upn
            | Self::Mail
            | Self::DisplayName
            | Self::Synced => None,
        }
    }

    fn is_text(self) -> bool {
        match self {
            Self::UserType
            | Self::CreationType
            | Self::State
            | Self::Upn
            | Self::Mail
            | Self::DisplayName => true,
            Self::Id | Self::Enabled | Self::Created | Self::Synced | Self::Activity(_) => false,
        }
    }

    fn has_prefix_index(self) -> bool {
        matches!(self, Self::Upn | Self::Mail | Self::DisplayName)
    }
}

fn refused(property: &str) -> Reply {
    Reply::unsupported_clause(property, "User")
}

fn property(name: &str) -> Result<Property, Reply> {
    Property::named(name).ok_or_else(|| refused(name))
}

impl UserFilter {
    /// Reads a filter. `advanced` tells whether the header and the count of an advanced query are there.
    pub(super) fn new(expression: &Expression, advanced: bool) -> Result<Self, Reply> {
        let filter = Self::read(expression, advanced)?;
        match filter {
            Self::All(_) | Self::Any(_) if filter.concerns_activity() => Err(Reply::bad_request(
                "Filter on signInActivity cannot be combined with other filters.",
            )),
            filter => Ok(filter),
        }
    }

    fn read(expression: &Expression, advanced: bool) -> Result<Self, Reply> {
        let all = |parts: &[Expression]| {
            let parts = parts.iter().map(|part| Self::read(part, advanced));
            parts.collect::<Result<Vec<_>, _>>()
        };
        match expression {
            Expression::All(parts) => Ok(Self::All(all(parts)?)),
            Expression::Any(parts) => Ok(Self::Any(all(parts)?)),
            Expression::Not(part) => {
                let part = Self::read(part, advanced)?;
                if !advanced && !part.concerns_activity() {
                    return Err(Reply::needs_advanced("not"));
                }
                Ok(Self::Not(Box::new(part)))
            }
            Expression::StartsWith {
                property: name,
                text,
            } => match property(name)? {
                of if of.has_prefix_index() => Ok(Self::StartsWith(of, text.to_lowercase())),
                _ => Err(refused(name)),
            },
            Expression::EndsWith {
                property: name,
                text,
            } => match property(name)? {
                Property::Upn | Property::Mail if !advanced => {
                    Err(Reply::needs_advanced("endsWith"))
                }
                of @ (Property::Upn | Property::Mail) => {
                    Ok(Self::EndsWith(of, text.to_lowercase()))
                }
                _ => Err(refused(name)),
            },
            Expression::In {
                property: name,
                values,
            } => {
                let of = property(name)?;
                if of == Property::Id {
                    return guids(values).map(Self::Ids);
                }
                let texts = values.iter().map(|value| text(of, name, value));
                Ok(Self::Text(of, texts.collect::<Result<_, _>>()?))
            }
            Expression::Compare {
                property: name,
                operator,
                value,
            } => Self::comparison(name, *operator, value, advanced),
        }
    }

    fn comparison(
        name: &str,
        operator: Operator,
        value: &Literal,
        advanced: bool,
    ) -> Result<Self, Reply> {
        let of = property(name)?;
        let test = match (of, operator, value) {
            (Property::Id, Operator::Eq | Operator::Ne, value) => {
                Self::Ids(guids(std::slice::from_ref(value))?)
            }
            (
                Property::Enabled | Property::Synced,
                Operator::Eq | Operator::Ne,
                Literal::Bool(value),
            ) => Self::Bool(of, Some(*value)),
            (Property::Synced, Operator::Eq | Operator::Ne, Literal::Null) => Self::Bool(of, None),
            (
                Property::Created | Property::Activity(_),
                Operator::Eq | Operator::Ne | Operator::Ge | Operator::Le,
                Literal::Time(time),
            ) => {
                let operator = if operator == Operator::Ne {
                    Operator::Eq
                } else {
                    operator
                };
                Self::Time(of, operator, Second::of(*time))
            }
            (
                Property::Created | Property::Activity(_),
                Operator::Eq | Operator::Ne,
                Literal::Null,
            ) => Self::NoTime(of),
            (of, Operator::Eq | Operator::Ne, value) if of.is_text() => {
                Self::Text(of, vec![text(of, name, value)?])
            }
            _ => return Err(refused(name)),
        };
        if operator != Operator::Ne {
            return Ok(test);
        }
        if !advanced && !test.concerns_activity() {
            return Err(Reply::needs_advanced(operator.name()));
        }
        Ok(Self::Not(Box::new(test)))
    }

    fn concerns_activity(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::concerns_activity),
            Self::Not(part) => part.concerns_activity(),
            Self::Time(Property::Activity(_), ..) | Self::NoTime(Property::Activity(_)) => true,
            Self::Ids(_)
            | Self::Text(..)
            | Self::StartsWith(..)
            | Self::EndsWith(..)
            | Self::Bool(..)
            | Self::Time(..)
            | Self::NoTime(_) => false,
        }
    }

    /// The only users who can match, when the filter names them: they are looked up instead of searched for.
    pub(super) fn ids(&self) -> Option<&[Uuid]> {
        match self {
            Self::Ids(ids) => Some(ids),
            Self::All(parts) => parts.iter().find_map(Self::ids),
            Self::Any(_)
            | Self::Not(_)
            | Self::Text(..)
            | Self::StartsWith(..)
            | Self::EndsWith(..)
            | Self::Bool(..)
            | Self::Time(..)
            | Self::NoTime(_) => None,
        }
    }

    pub(super) fn holds(&self, directory: &Directory, ix: UserIx) -> bool {
        let user = directory.user(ix);
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(directory, ix)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(directory, ix)),
            Self::Not(part) => {
                // A moment that is not there is neither before nor after another one.
                let unknown = part.concerns_activity() && user.shown.is_absent();
                !unknown && !part.holds(directory, ix)
            }
            Self::Ids(ids) => ids.contains(&user.id),
            // The commonest filter of all, spared the allocations.
            Self::Text(Property::UserType, wanted) => wanted
                .iter()
                .flatten()
                .any(|wanted| user.user_type.name().eq_ignore_ascii_case(wanted)),
            Self::Text(of, wanted) => {
                let found = of.text(directory, ix, user).map(|text| text.to_lowercase());
                wanted.contains(&found)
            }
            Self::StartsWith(of, prefix) => of
                .text(directory, ix, user)
                .is_some_and(|text| text.to_lowercase().starts_with(prefix)),
            Self::EndsWith(of, suffix) => of
                .text(directory, ix, user)
                .is_some_and(|text| text.to_lowercase().ends_with(suffix)),
            Self::Bool(Property::Synced, wanted) => user.synced == *wanted,
            Self::Bool(_, wanted) => Some(user.enabled) == *wanted,
            Self::Time(of, operator, wanted) => of.time(user).is_some_and(|found| match operator {
                Operator::Ge => found >= *wanted,
                Operator::Le => found <= *wanted,
                Operator::Gt => found > *wanted,
                Operator::Lt => found < *wanted,
                Operator::Eq | Operator::Ne => found == *wanted,
            }),
            Self::NoTime(of) => of.time(user).is_none() && !self.concerns_activity(),
        }
    }
}

fn guids(values: &[Literal]) -> Result<Vec<Uuid>, Reply> {
    let guid = |value: &Literal| match value {
        Literal::Text(text) => Uuid::try_parse(text)
            .map_err(|_| Reply::bad_request(format!("Invalid object identifier '{text}'."))),
        Literal::Time(_) | Literal::Bool(_) | Literal::Null | Literal::Bare(_) => {
            Err(refused("id"))
        }
    };
    values.iter().map(guid).collect()
}

fn text(of: Property, name: &str, value: &Literal) -> Result<Option<String>, Reply> {
    match value {
        Literal::Text(text) if of.is_text() => Ok(Some(text.to_lowercase())),
        Literal::Null
            if matches!(
                of,
                Property::CreationType | Property::State | Property::UserType
            ) =>
        {
            Ok(None)
        }
        Literal::Text(_)
        | Literal::Time(_)
        | Literal::Bool(_)
        | Literal::Null
        | Literal::Bare(_) => Err(refused(name)),
    }
}
