package main

import (
	"bytes"
	stdxml "encoding/xml"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// A real server reads each data object as the sequence of its schema and refuses elements out of order, unknown
// ones, and objects that lack a required one. The order is that of the fields of govmomi's structs.

type schemaField struct {
	name       string
	kind       reflect.Type
	isRequired bool
	isRepeated bool
}

var schemaCache = map[reflect.Type][]schemaField{}

func schemaOf(kind reflect.Type) []schemaField {
	if fields, ok := schemaCache[kind]; ok {
		return fields
	}
	var fields []schemaField
	for i := 0; i < kind.NumField(); i++ {
		field := kind.Field(i)
		tag := field.Tag.Get("xml")
		if field.Anonymous {
			fields = append(fields, schemaOf(field.Type)...)
			continue
		}
		parts := strings.Split(tag, ",")
		if tag == "" || parts[0] == "" || parts[0] == "-" || hasOption(parts, "attr") {
			continue
		}
		isPointer := field.Type.Kind() == reflect.Ptr || field.Type.Kind() == reflect.Slice
		fields = append(fields, schemaField{
			name: parts[0], kind: elementType(field.Type),
			isRequired: !isPointer && !hasOption(parts, "omitempty"),
			isRepeated: field.Type.Kind() == reflect.Slice,
		})
	}
	schemaCache[kind] = fields
	return fields
}

func hasOption(parts []string, option string) bool {
	return contains(parts[1:], option)
}

func elementType(kind reflect.Type) reflect.Type {
	for kind.Kind() == reflect.Ptr || (kind.Kind() == reflect.Slice && kind.Elem().Kind() != reflect.Uint8) {
		kind = kind.Elem()
	}
	return kind
}

// checkOrder reads the method element of an envelope; nil = a real server would take it.
func checkOrder(text []byte) error {
	decoder := stdxml.NewDecoder(bytes.NewReader(text))
	depth := 0
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch element := token.(type) {
		case stdxml.StartElement:
			depth++
			if depth == 2 && element.Name.Local == "Header" {
				if err := decoder.Skip(); err != nil {
					return err
				}
				depth--
			}
			if depth == 3 {
				kind, ok := vimType(element.Name.Local)
				if !ok {
					return nil
				}
				return checkObject(decoder, kind, element.Name.Local)
			}
		case stdxml.EndElement:
			depth--
		}
	}
}

// checkObject reads up to the end of the element that was just opened.
func checkObject(decoder *stdxml.Decoder, kind reflect.Type, name string) error {
	if kind.Kind() != reflect.Struct || isLeaf(kind) {
		return decoder.Skip()
	}
	fields := schemaOf(kind)
	at, wasSeen := 0, false
	for {
		token, err := decoder.Token()
		if err != nil {
			return err
		}
		switch element := token.(type) {
		case stdxml.EndElement:
			return missingField(fields, at, wasSeen, kind)
		case stdxml.StartElement:
			next, err := advance(fields, at, wasSeen, element.Name.Local, kind)
			if err != nil {
				return err
			}
			at, wasSeen = next, true
			if err := checkObject(decoder, declaredType(element, fields[at].kind), element.Name.Local); err != nil {
				return err
			}
		}
	}
}

// advance moves to the named field; everything that is passed over must be optional.
func advance(fields []schemaField, at int, wasSeen bool, name string, kind reflect.Type) (int, error) {
	if wasSeen && fields[at].name == name && fields[at].isRepeated {
		return at, nil
	}
	if wasSeen {
		at++
	}
	for ; at < len(fields); at++ {
		if fields[at].name == name {
			return at, nil
		}
		if fields[at].isRequired {
			return 0, fmt.Errorf("unexpected element tag %q seen, expected %q, while parsing serialized DataObject of type %s",
				name, fields[at].name, kind.Name())
		}
	}
	return 0, fmt.Errorf("unexpected element tag %q seen, while parsing serialized DataObject of type %s: "+
		"it is unknown or out of the order of the schema", name, kind.Name())
}

func missingField(fields []schemaField, at int, wasSeen bool, kind reflect.Type) error {
	if wasSeen {
		at++
	}
	for ; at < len(fields); at++ {
		if fields[at].isRequired {
			return fmt.Errorf("required property %s is missing from data object of type %s", fields[at].name, kind.Name())
		}
	}
	return nil
}

// isLeaf: a reference and a time are texts.
func isLeaf(kind reflect.Type) bool {
	return kind.Name() == "ManagedObjectReference" || kind.Name() == "Time"
}

func declaredType(element stdxml.StartElement, static reflect.Type) reflect.Type {
	for _, attribute := range element.Attr {
		if attribute.Name.Local == "type" && strings.HasPrefix(attribute.Name.Space, "http://www.w3.org/") {
			if kind, ok := vimType(attribute.Value); ok {
				return kind
			}
		}
	}
	if static.Kind() == reflect.Interface && strings.HasPrefix(static.Name(), "Base") {
		if kind, ok := vimType(strings.TrimPrefix(static.Name(), "Base")); ok {
			return kind
		}
	}
	return static
}
