//! Pieces to a tree.

use super::lexer::{self, Kind, Piece, Token, broken};
use super::{Branch, Broken, Command, Define, Node, Operand, OperandKind, Pipeline, Template};

/// Nobody nests deeper, and a stack has an end.
const DEEPEST: usize = 100;

pub(super) fn parse(text: &str) -> Result<Template, Broken> {
    let pieces = lexer::pieces(text)?;
    let mut parser = Parser { pieces: pieces.into_iter(), defines: Vec::new(), depth: 0 };
    let (nodes, end) = parser.list()?;
    match end {
        End::Text => Ok(Template { nodes, defines: parser.defines }),
        End::Stop(at) => Err(broken(at, "`end` closes nothing")),
        End::Else(at, _) => Err(broken(at, "`else` belongs to nothing")),
    }
}

struct Parser<'a> {
    pieces: std::vec::IntoIter<Piece<'a>>,
    defines: Vec<Define>,
    depth: usize,
}

/// What a list of nodes ends with.
enum End {
    Text,
    Stop(usize),
    /// With what follows `else`, such as `if …`.
    Else(usize, Vec<Token>),
}

impl Parser<'_> {
    fn list(&mut self) -> Result<(Vec<Node>, End), Broken> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(broken(0, "it is nested too deep"));
        }
        let mut nodes = Vec::new();
        let end = loop {
            match self.pieces.next() {
                None => break End::Text,
                Some(Piece::Text(text)) => nodes.push(Node::Text(text.to_owned())),
                Some(Piece::Action(at, _, tokens)) => match word(&tokens) {
                    Some("end") => break End::Stop(at),
                    Some("else") => break End::Else(at, tokens.into_iter().skip(1).collect()),
                    _ => nodes.extend(self.action(at, &tokens)?),
                },
            }
        };
        self.depth -= 1;
        Ok((nodes, end))
    }

    fn action(&mut self, at: usize, tokens: &[Token]) -> Result<Option<Node>, Broken> {
        let Some(keyword) = word(tokens).map(str::to_owned) else {
            return Ok(Some(Node::Action(pipeline(at, tokens)?)));
        };
        let rest = tokens.get(1..).unwrap_or_default();
        Ok(Some(match keyword.as_str() {
            "if" => Node::If(self.branch(at, rest, "if")?),
            "with" => Node::With(self.branch(at, rest, "with")?),
            "range" => Node::Range(self.branch(at, rest, "range")?),
            "break" | "continue" => Node::Jump,
            "define" => {
                let (name, name_at, _) = named(at, rest, "define")?;
                let body = self.body(at, "define")?;
                self.defines.push(Define { name, at: name_at, body });
                return Ok(None);
            }
            "block" => {
                let (name, name_at, argument) = named(at, rest, "block")?;
                let body = self.body(at, "block")?;
                self.defines.push(Define { name: name.clone(), at: name_at, body });
                Node::Call { name, at: name_at, argument }
            }
            "template" => {
                let (name, at, argument) = named(at, rest, "template")?;
                Node::Call { name, at, argument }
            }
            _ => Node::Action(pipeline(at, tokens)?),
        }))
    }

    /// The nodes up to `end`, without an `else`.
    fn body(&mut self, at: usize, keyword: &str) -> Result<Vec<Node>, Broken> {
        match self.list()? {
            (nodes, End::Stop(_)) => Ok(nodes),
            (_, End::Else(at, _)) => Err(broken(at, &format!("`{keyword}` has no `else`"))),
            (_, End::Text) => Err(never_closed(at, keyword)),
        }
    }

    fn branch(&mut self, at: usize, tokens: &[Token], keyword: &str) -> Result<Branch, Broken> {
        let pipeline = pipeline(at, tokens)?;
        let (body, end) = self.list()?;
        let otherwise = match end {
            End::Stop(_) => Vec::new(),
            End::Text => return Err(never_closed(at, keyword)),
            End::Else(at, tokens) => match word(&tokens) {
                Some(next @ ("if" | "with")) => {
                    let next = next.to_owned();
                    let inner = self.branch(at, tokens.get(1..).unwrap_or_default(), &next)?;
                    vec![if next == "if" { Node::If(inner) } else { Node::With(inner) }]
                }
                _ => self.body(at, keyword)?,
            },
        };
        Ok(Branch { pipeline, body, otherwise })
    }
}

fn never_closed(at: usize, keyword: &str) -> Broken {
    broken(at, &format!("`{keyword}` is never closed with `{{{{ end }}}}`"))
}

fn word(tokens: &[Token]) -> Option<&str> {
    match tokens.first().map(|token| &token.kind) {
        Some(Kind::Word(word)) => Some(word),
        _ => None,
    }
}

/// `"name" pipeline`
fn named(at: usize, tokens: &[Token], keyword: &str) -> Result<(String, usize, Option<Pipeline>), Broken> {
    let [Token { at: name_at, kind: Kind::Text(name), .. }, rest @ ..] = tokens else {
        return Err(broken(at, &format!("`{keyword}` needs a name in quotes")));
    };
    let argument = if rest.is_empty() { None } else { Some(pipeline(at, rest)?) };
    Ok((name.clone(), *name_at, argument))
}

fn pipeline(at: usize, tokens: &[Token]) -> Result<Pipeline, Broken> {
    let mut reader = Reader { tokens, next: 0, depth: 0 };
    let pipeline = reader.pipeline(at)?;
    match reader.peek() {
        None => Ok(pipeline),
        Some(token) => Err(unexpected(token)),
    }
}

struct Reader<'a> {
    tokens: &'a [Token],
    next: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.next)
    }

    fn is(&self, ahead: usize, kind: &Kind) -> bool {
        self.tokens.get(self.next + ahead).is_some_and(|token| token.kind == *kind)
    }

    fn pipeline(&mut self, at: usize) -> Result<Pipeline, Broken> {
        let at = self.peek().map_or(at, |token| token.at);
        let mut pipeline = Pipeline { at, ..Pipeline::default() };
        self.variables(&mut pipeline);
        loop {
            let command = self.command(at)?;
            if pipeline.commands.is_empty() || is_executable(&command) {
                pipeline.commands.push(command);
            } else {
                return Err(broken(command.at, "what stands behind `|` is neither a function nor a method"));
            }
            if !self.is(0, &Kind::Pipe) {
                return Ok(pipeline);
            }
            self.next += 1;
        }
    }

    /// `$x :=`, `$x =`, `$i, $x :=`.
    fn variables(&mut self, pipeline: &mut Pipeline) {
        let name = |ahead: usize| match self.tokens.get(self.next + ahead).map(|token| &token.kind) {
            Some(Kind::Variable(name)) => Some(name.clone()),
            _ => None,
        };
        let Some(first) = name(0) else { return };
        let mut found = vec![first];
        let mut length = 1;
        if let (true, Some(second)) = (self.is(1, &Kind::Comma), name(2)) {
            found.push(second);
            length = 3;
        }
        let (declares, assigns) = (self.is(length, &Kind::Declare), self.is(length, &Kind::Assign));
        if declares || assigns {
            pipeline.variables = found;
            pipeline.assigns = assigns;
            self.next += length + 1;
        }
    }

    fn command(&mut self, at: usize) -> Result<Command, Broken> {
        let at = self.peek().map_or(at, |token| token.at);
        let mut command = Command { at, words: Vec::new() };
        while let Some(token) = self.peek() {
            match token.kind {
                Kind::Pipe => break,
                Kind::Close if self.depth > 0 => break,
                _ => command.words.push(self.operand()?),
            }
        }
        if command.words.is_empty() {
            return Err(broken(at, "a value or a function is missing"));
        }
        Ok(command)
    }

    fn operand(&mut self) -> Result<Operand, Broken> {
        let Some(token) = self.peek() else { return Err(broken(0, "a value is missing")) };
        self.next += 1;
        let at = token.at;
        let mut fields = Vec::new();
        let kind = match &token.kind {
            Kind::Dot => OperandKind::Dot,
            Kind::Field(name) => {
                fields.push((name.clone(), at));
                OperandKind::Dot
            }
            Kind::Variable(name) => OperandKind::Variable(name.clone()),
            Kind::Text(text) => OperandKind::Text(text.clone()),
            Kind::Number(text) => OperandKind::Number(text.clone()),
            Kind::Word(word) => match word.as_str() {
                "true" | "false" => OperandKind::Bool(word == "true"),
                "nil" => OperandKind::Nil,
                _ => OperandKind::Function(word.clone()),
            },
            Kind::Open => {
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err(broken(at, "it is nested too deep"));
                }
                let inner = self.pipeline(at)?;
                if !self.is(0, &Kind::Close) {
                    return Err(broken(at, "`(` is never closed"));
                }
                self.next += 1;
                self.depth -= 1;
                OperandKind::Parens(Box::new(inner))
            }
            _ => return Err(unexpected(token)),
        };
        while let Some(Token { at, kind: Kind::Field(name), joined: true }) = self.peek() {
            fields.push((name.clone(), *at));
            self.next += 1;
        }
        Ok(Operand { at, kind, fields })
    }
}

/// What a value can be handed on to.
fn is_executable(command: &Command) -> bool {
    let Some(first) = command.words.first() else { return false };
    let is_literal = matches!(
        first.kind,
        OperandKind::Bool(_) | OperandKind::Nil | OperandKind::Number(_) | OperandKind::Text(_)
    );
    let is_dot = first.kind == OperandKind::Dot && first.fields.is_empty();
    !(is_literal || is_dot)
}

fn unexpected(token: &Token) -> Broken {
    if let Kind::Bad(c) = token.kind {
        return broken(token.at, &format!("`{c}` stands where nothing of it may"));
    }
    let what = match &token.kind {
        Kind::Close => "`)` closes nothing",
        Kind::Comma => "`,` stands where nothing of it may",
        Kind::Declare | Kind::Assign => "`=` stands where nothing of it may",
        _ => "a value stands where nothing of it may",
    };
    broken(token.at, what)
}
