package jql

import (
	"fmt"
	"strings"
)

// check refuses what the field does not understand. name is the field as the
// query spells it.
func (c *clause) check(name string) error {
	if !c.field.allows(c.op) {
		return &Error{Message: fmt.Sprintf("The operator '%s' is not supported by the '%s' field.", c.op, name)}
	}
	for _, o := range c.operands {
		if err := c.checkOperand(name, o); err != nil {
			return err
		}
	}
	return nil
}

func (c *clause) checkOperand(name string, o operand) error {
	switch {
	case c.op == opIs || c.op == opIsNot:
		if !o.empty {
			return &Error{Message: fmt.Sprintf("The operator '%s' on the '%s' field only supports the value EMPTY.", c.op, name)}
		}
		return nil
	case o.empty:
		return c.checkEmpty(name)
	case o.function != "":
		return c.checkFunction(name, o)
	}
	return c.checkLiteral(name, o)
}

func (c *clause) checkEmpty(name string) error {
	switch c.op {
	case opEqual, opNotEqual, opIn, opNotIn:
		return nil
	}
	return &Error{Message: fmt.Sprintf("The operator '%s' does not support searching for empty values for the field '%s'.", c.op, name)}
}

func (c *clause) checkFunction(name string, o operand) error {
	f, ok := momentFunctions[o.function]
	if !ok && o.function != "currentuser" {
		return &Error{Message: fmt.Sprintf("Unable to find JQL function '%s(%s)'.", o.function, strings.Join(o.args, ", "))}
	}
	if ok && c.field.kind != kindMoment || !ok && c.field.kind != kindUser {
		return &Error{Message: fmt.Sprintf("A value for the field '%s' provided by the function '%s' is not valid.", name, o.function)}
	}
	allowed := 1
	if f.of == nil {
		allowed = 0
	}
	if len(o.args) > allowed {
		return &Error{Message: fmt.Sprintf("Function '%s' expected '%d' arguments but received '%d'.", o.function, allowed, len(o.args))}
	}
	if len(o.args) == 1 {
		if _, ok := parseShift(o.args[0], f.unit); !ok {
			return &Error{Message: fmt.Sprintf("Duration for function '%s' should have the format (+/-)n(yMwdhm), e.g -1M for 1 month earlier.", o.function)}
		}
	}
	return nil
}

func (c *clause) checkLiteral(name string, o operand) error {
	switch {
	case c.field.kind == kindMoment && !validMoment(o.text):
		return &Error{Message: fmt.Sprintf("Date value '%s' for field '%s' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "+
			"'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.", cut(o.text), name)}
	case c.field.kind == kindText && len(searchWords(o.text)) == 0:
		return &Error{Message: fmt.Sprintf("The field '%s' does not support searching for an empty string.", name)}
	}
	return nil
}
