package main

import (
	"encoding/json"
	"fmt"
	"io"

	lua "github.com/yuin/gopher-lua"
)

// health runs a script as Argo CD does: by the same interpreter, with the same four libraries and the resource as the global `obj`.
func health(script string, in io.Reader, out io.Writer) error {
	var resource any
	if err := json.NewDecoder(in).Decode(&resource); err != nil {
		return err
	}
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage, lua.BaseLibName: lua.OpenBase,
		lua.TabLibName: lua.OpenTable, lua.StringLibName: lua.OpenString,
	} {
		if err := state.CallByParam(lua.P{Fn: state.NewFunction(open), Protect: true}, lua.LString(name)); err != nil {
			return err
		}
	}
	state.SetGlobal("obj", tableOf(state, resource))
	if err := state.DoFile(script); err != nil {
		return err
	}
	answer, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return fmt.Errorf("%s returns no table", script)
	}
	made := map[string]string{}
	answer.ForEach(func(key, value lua.LValue) { made[key.String()] = value.String() })
	return json.NewEncoder(out).Encode(made)
}

func tableOf(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case string:
		return lua.LString(value)
	case float64:
		return lua.LNumber(value)
	case bool:
		return lua.LBool(value)
	case []any:
		table := state.CreateTable(len(value), 0)
		for _, inner := range value {
			table.Append(tableOf(state, inner))
		}
		return table
	case map[string]any:
		table := state.CreateTable(0, len(value))
		for key, inner := range value {
			table.RawSetString(key, tableOf(state, inner))
		}
		return table
	}
	return lua.LNil
}
