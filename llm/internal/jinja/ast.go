package jinja

// node is a statement, Expr an expression. Those that a reader of templates looks for are exported.
type (
	node any
	// Expr is an expression: Name, Attr, Item, Slice, Filter, Test and others.
	Expr any
)

// Statements.
type (
	text   struct{ data string }
	output struct {
		value Expr
		line  int
	}
	// For is a loop.
	For struct {
		Target     Expr
		Over       Expr
		cond       Expr
		body, none []node
		recursive  bool
		line       int
	}
	ifs struct {
		test       Expr
		body, none []node
		line       int
	}
	// Set is an assignment of a value.
	Set struct {
		Target Expr
		Value  Expr
		line   int
	}
	setBlock struct {
		target  Expr
		filters Expr // applied to a captured
		body    []node
		line    int
	}
	macroDef struct {
		name     string
		params   []param
		body     []node
		variadic bool // mentions varargs
		keywords bool // mentions kwargs
		calls    bool // mentions caller
	}
	callBlock struct {
		call   *call
		caller *macroDef
		line   int
	}
	filterBlock struct {
		filters Expr
		body    []node
		line    int
	}
	with struct {
		targets, values []Expr
		body            []node
	}
	// generation marks what the assistant said. It does not change the text, but has a scope of its own.
	generation struct{ body []node }
	loopJump   struct{ out bool } // break, else continue
)

type param struct {
	name  string
	value Expr // nil without a default
}

// Expressions.
type (
	// Name is a variable.
	Name struct{ Name string }
	// Const is a literal.
	Const struct{ Value Value }
	// Attr is an attribute written after a dot.
	Attr struct {
		Of   Expr
		Name string
	}
	// Item is an element in brackets.
	Item struct{ Of, Key Expr }
	// Slice is a span in brackets; what was left out is nil.
	Slice struct{ Of, From, To, Step Expr }
	// Filter is a filter applied to an expression.
	Filter struct {
		Of   Expr
		Name string
		args args
	}
	// Test is a test of an expression.
	Test struct {
		Of   Expr
		Name string
		args args
	}
	captured struct{} // the body of a block, to which filters apply
	call     struct {
		of   Expr
		args args
	}
	attrRef   struct{ of, name string } // a field of a namespace that is set
	listExpr  struct{ items []Expr }
	tupleExpr struct{ items []Expr }
	dictExpr  struct{ keys, values []Expr }
	unary     struct {
		op string
		of Expr
	}
	binary struct {
		op   string
		a, b Expr
	}
	comparison struct {
		first Expr
		ops   []string
		rest  []Expr
	}
	concat struct{ parts []Expr }
	cond   struct{ test, then, otherwise Expr }
)

// args are those of a call: by position, by name, and unpacked.
type args struct {
	list        []Expr
	names       []string
	named       []Expr
	more, moreN Expr // *more, **moreN
}
