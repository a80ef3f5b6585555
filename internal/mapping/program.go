package mapping

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/itchyny/gojq"
)

// A program is one compiled expression. Most expressions of a mapping only
// follow a path or are a literal; these never enter the jq machine.
type program struct {
	text    string // as the mapping has it
	err     error  // why it cannot run; the rest is then unset
	literal bool
	value   any      // of a literal
	path    []string // of a path; nil where it is none
	code    *gojq.Code
	guarded bool // the code takes its budget as a variable
	limits  limits
	query   *gojq.Query // for the analysis; nil when err is set
}

// newProgram compiles text. A text that does not compile gives a program whose
// every run fails with the reason.
func newProgram(text string, l limits) *program {
	p := &program{text: text, limits: l}
	converted := doubleQuotes(text)
	if strings.Contains(converted, reserved) {
		p.err = fmt.Errorf("names with %q in them are reserved", reserved)
		return p
	}
	query, err := gojq.Parse(converted)
	if err != nil {
		p.err = fmt.Errorf("not a jq expression: %w", err)
		return p
	}
	if p.code, p.guarded, p.err = compile(converted); p.err != nil {
		return p
	}
	p.query = query
	if p.value, p.literal = literalOf(query); !p.literal {
		p.path, _ = pathOf(query)
	}
	return p
}

// compile makes code of an expression that parses. It is parsed once more,
// because the guards change its tree, and the analysis wants it as written.
func compile(text string) (*gojq.Code, bool, error) {
	query, err := gojq.Parse(text)
	if err != nil {
		return nil, false, err
	}
	if len(query.Imports) > 0 {
		return nil, false, errors.New("modules cannot be loaded in a mapping")
	}
	guarded := guard(query)
	// Without an environment loader env and $ENV are empty objects, always:
	// whoever edits a mapping must not read our credentials with it.
	options := append([]gojq.CompilerOption{
		gojq.WithInputIter(gojq.NewIter[any]()),
	}, functions...)
	if guarded {
		options = append(options, gojq.WithVariables([]string{budgetVariable}))
	}
	code, err := gojq.Compile(query, options...)
	return code, guarded, err
}

// functions are those that jq has and gojq has not, or leaves to its caller.
// They neither print nor read anything. keys_unsorted is sorted: the order of
// keys in Jira's text is not kept.
var functions = append([]gojq.CompilerOption{
	gojq.WithFunction("debug", 0, 0, func(v any, _ []any) any { return v }),
	gojq.WithFunction("stderr", 0, 0, func(v any, _ []any) any { return v }),
	gojq.WithFunction("input_line_number", 0, 0, func(any, []any) any { return 0 }),
	gojq.WithFunction("input_filename", 0, 0, func(any, []any) any { return nil }),
	gojq.WithFunction("keys_unsorted", 0, 0, inJq("keys")),
	gojq.WithFunction("toarray", 0, 0, inJq(`if type == "array" then . else [.] end`)),
	gojq.WithFunction("date", 0, 0, inJq("todate")),
}, guards...)

// inJq makes a function of an expression that always gives one output.
func inJq(text string) func(any, []any) any {
	code := mustCompile(text)
	return func(v any, _ []any) any {
		out, _ := code.Run(v).Next()
		return out
	}
}

func mustCompile(text string) *gojq.Code {
	query, err := gojq.Parse(text)
	if err != nil {
		panic(err)
	}
	code, err := gojq.Compile(query)
	if err != nil {
		panic(err)
	}
	return code
}

// run gives the first output, or nil where there is none. An error with
// ErrLimit or the context's error in its chain means that nothing was found
// out about the item.
func (p *program) run(ctx context.Context, v any) (any, error) {
	switch {
	case p.err != nil:
		return nil, p.err
	case p.literal:
		return p.value, nil
	case p.path != nil:
		return walk(v, p.path)
	}
	return p.execute(ctx, v)
}

func (p *program) execute(ctx context.Context, v any) (out any, err error) {
	// gojq panics where a value of a foreign type reaches it, and on stack
	// corruption; one expression must not end the process.
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, fmt.Errorf("the jq engine gave up: %v", r)
		}
	}()
	b := &budget{ctx: ctx, limits: p.limits}
	var iter gojq.Iter
	if p.guarded {
		iter = p.code.RunWithContext(b, v, b)
	} else {
		iter = p.code.RunWithContext(b, v)
	}
	out, ok := iter.Next()
	if b.err != nil {
		return nil, b.err
	}
	if !ok {
		return nil, nil
	}
	if err, ok := out.(error); ok {
		return nil, outcomeOf(err)
	}
	return out, nil
}

// outcomeOf gives nil for the error by which halt ends a program without a
// message: it is then a program without output.
func outcomeOf(err error) error {
	if halt, ok := errors.AsType[*gojq.HaltError](err); ok && halt.Value() == nil {
		return nil
	}
	return err
}

// truthy tells whether v can name something: Python's truth, which the
// incumbent applies to identifiers and blueprints.
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case int:
		return v != 0
	case float64:
		return v != 0
	case *big.Int:
		return v.Sign() != 0
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}
