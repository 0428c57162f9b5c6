package reach

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// properties are a resource's, read in the context of its stack.
type properties struct {
	w World
	s *stack
	m map[string]any
}

// text is the value at a path of keys, with references resolved to canonical
// ids: "network/Gateway", "arn:aws:s3:::data/Blobs/*".
func (p properties) text(path ...string) string { return p.w.text(p.s, p.raw(path...)) }

// texts is a list of such values; a single value is a list of one.
func (p properties) texts(path ...string) []string { return p.w.texts(p.s, p.raw(path...)) }

// objects is a list of objects; a single object is a list of one.
func (p properties) objects(path ...string) []properties {
	var all []properties
	switch v := p.raw(path...).(type) {
	case map[string]any:
		all = append(all, properties{p.w, p.s, v})
	case []any:
		for _, item := range v {
			if m, ok := item.(map[string]any); ok {
				all = append(all, properties{p.w, p.s, m})
			}
		}
	}
	return all
}

func (p properties) raw(path ...string) any {
	var v any = p.m
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

func (w World) texts(s *stack, v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var all []string
		for _, item := range v {
			all = append(all, w.text(s, item))
		}
		return all
	default:
		return []string{w.text(s, v)}
	}
}

func (w World) text(s *stack, v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case map[string]any:
		if len(v) == 1 {
			for function, argument := range v {
				return w.call(s, function, argument)
			}
		}
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(raw)
}

// call evaluates one of CloudFormation's functions.
func (w World) call(s *stack, function string, argument any) string {
	list, _ := argument.([]any)
	switch {
	case function == "Ref":
		return w.reference(s, argument.(string))
	case function == "Fn::GetAtt" && len(list) == 2:
		return w.attribute(s, list[0].(string), list[1].(string))
	case function == "Fn::Sub":
		if text, ok := argument.(string); ok {
			return pseudo.ReplaceAllStringFunc(text, func(name string) string { return w.reference(s, name[2:len(name)-1]) })
		}
	case function == "Fn::Join" && len(list) == 2:
		return strings.Join(w.texts(s, list[1]), list[0].(string))
	}
	raw, _ := json.Marshal(map[string]any{function: argument})
	return string(raw)
}

// pseudo are CloudFormation's own parameters in a text.
var pseudo = regexp.MustCompile(`\$\{AWS::[A-Za-z]+\}`)

func secretARN(s *stack, id string) string {
	return "arn:aws:secretsmanager:" + s.region + ":" + s.account + ":secret:" + id
}

// tableName is what ARNs of a table that are put together say: its name, or its
// id where CloudFormation names it.
func tableName(id string, properties map[string]any) string {
	if given, ok := properties["TableName"].(string); ok {
		return given
	}
	return id
}

func tableARN(s *stack, name string) string {
	return "arn:aws:dynamodb:" + s.region + ":" + s.account + ":table/" + name
}

func (w World) reference(s *stack, name string) string {
	switch name {
	case "AWS::AccountId":
		return s.account
	case "AWS::Region":
		return s.region
	case "AWS::Partition":
		return "aws"
	case "AWS::URLSuffix":
		return "amazonaws.com"
	}
	if id, ok := s.ids[name]; ok {
		switch r := s.resources[name]; r.Type {
		case "AWS::SecretsManager::Secret":
			return secretARN(s, id)
		case "AWS::DynamoDB::GlobalTable":
			return tableName(id, r.Properties)
		}
		return id
	}
	parameter, ok := s.params[name].(map[string]any)
	if !ok {
		return "unknown:" + name
	}
	key, _ := parameter["Default"].(string)
	return w.published(key)
}

// published is the value of the SSM parameter called key, wherever it is made.
func (w World) published(key string) string {
	found, ok := w.parameters[key]
	if !ok {
		return "unpublished:" + key
	}
	return w.text(found.in, found.value)
}

// attribute spells ARNs as other templates put them together from names. What
// else identifies a resource is the resource itself.
func (w World) attribute(s *stack, logical, name string) string {
	id, ok := s.ids[logical]
	if !ok {
		return "unknown:" + logical
	}
	switch kind := s.resources[logical].Type; {
	case name == "Arn" && kind == "AWS::S3::Bucket":
		return "arn:aws:s3:::" + id
	case name == "Arn" && kind == "AWS::DynamoDB::GlobalTable":
		return tableARN(s, tableName(id, s.resources[logical].Properties))
	case name == "Arn", name == "GroupId":
		return id
	}
	return id + "." + name
}
