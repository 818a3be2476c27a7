package jinja

// The parts of a parsed template. Types that a caller looks for in a template are exported.
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
		Target         Expr
		Over           Expr
		cond           Expr
		body, elseBody []node
		recursive      bool
		line           int
	}
	ifs struct {
		test           Expr
		body, elseBody []node
		line           int
	}
	// Set is an assignment of a value.
	Set struct {
		Target Expr
		Value  Expr
		line   int
	}
	setBlock struct {
		target  Expr
		filters Expr // applied to a captured body
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
	// generation marks the text of the assistant. It does not change the text, but has a scope of its own.
	generation struct{ body []node }
	loopJump   struct{ isBreak bool } // break, else continue
)

type param struct {
	name  string
	value Expr // default value, nil if there is no default
}

// Expressions.
type (
	// Name is a variable.
	Name struct{ Name string }
	// Const is a literal.
	Const struct{ Value Value }
	// Attr is an attribute written after a dot.
	Attr struct {
		Operand Expr
		Name    string
	}
	// Item is an element in brackets.
	Item struct{ Operand, Key Expr }
	// Slice is a span in brackets. A bound that is left out is nil.
	Slice struct{ Operand, From, To, Step Expr }
	// Filter is a filter applied to an expression.
	Filter struct {
		Operand Expr
		Name    string
		args    args
	}
	// Test is a test of an expression.
	Test struct {
		Operand Expr
		Name    string
		args    args
	}
	captured struct{} // the text of a block's body, to which filters apply
	call     struct {
		callee Expr
		args   args
	}
	attrRef   struct{ namespace, name string } // a field of a namespace that is set
	listExpr  struct{ items []Expr }
	tupleExpr struct{ items []Expr }
	dictExpr  struct{ keys, values []Expr }
	unary     struct {
		op      string
		operand Expr
	}
	binary struct {
		op          string
		left, right Expr
	}
	comparison struct {
		first Expr
		ops   []string
		rest  []Expr
	}
	concat struct{ parts []Expr }
	cond   struct{ test, then, otherwise Expr }
)

// args are the arguments of a call: by position, by name, and unpacked.
type args struct {
	list                   []Expr
	names                  []string
	named                  []Expr
	unpackList, unpackDict Expr // *more, **moreN
}
