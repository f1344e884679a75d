// A minimal bridge: it serves customers by the contract (docs/bridge.openapi.yaml) and keeps them in a JSON file. In front of a
// backup product, keep would carry out there what has changed, and main would read what is there. docs/bridge.md says more.
package main

import (
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

type object = map[string]any

// customer is one customer; its settings are as the contract writes them.
type customer struct {
	ID, Version      int
	Ref              string
	Created, Updated time.Time
	Settings         object
}

// bridge is what the file holds, and how it is served. Last is the highest id ever given: none is used twice.
type bridge struct {
	Account     string
	Last        int
	Customers   []*customer
	lock        sync.Mutex
	path, token string
}

// problem is a refusal (RFC 9457).
type problem object

func (p problem) Error() string { return fmt.Sprint(p["detail"]) }

func refuse(status int, slug, field, detail string) error {
	kind := "urn:holdfast:problem:" + slug
	return problem(merge(nil, object{"type": kind, "title": slug, "status": status, "detail": detail, "field": field}))
}

// fields are the settings that this bridge has, and what each takes.
var fields = map[string]func(any) bool{
	"name": matches(`^.{1,255}$`), "reference": matches(`^.{0,255}$`), "profile.email": matches(`^([^@\s]+@[^@\s]+)?$`),
	"profile.phone": matches(`^.{0,255}$`), "profile.notes": matches(`(?s)^.{0,1000}$`),
	"active":         func(v any) bool { _, ok := v.(bool); return ok },
	"limits.storage": func(v any) bool { n, ok := v.(float64); return ok && n >= 0 && n < 1<<53 && n == float64(int64(n)) },
}

func settings() []string { return slices.Sorted(maps.Keys(fields)) }
func matches(pattern string) func(any) bool {
	expression := regexp.MustCompile(pattern)
	return func(v any) bool { text, ok := v.(string); return ok && expression.MatchString(text) }
}

// check refuses what isn't a setting, and values that a setting doesn't take. Null removes one.
func check(document object, outer string) error {
	for name, value := range document {
		path := outer + name
		takes, known := fields[path]
		inner, isObject := value.(object)
		isGroup := strings.Contains(" "+strings.Join(settings(), " "), " "+path+".")
		if !known && !isGroup || value != nil && (known && !takes(value) || isGroup && !isObject) {
			return refuse(422, "invalid", path, path+" isn't a setting of this bridge, or doesn't take this value")
		}
		if err := check(inner, path+"."); err != nil {
			return err
		}
	}
	return nil
}

// merge is a JSON merge patch (RFC 7396). What is empty is as good as absent.
func merge(target, patch object) object {
	result := object{}
	maps.Copy(result, target)
	for name, value := range patch {
		if inner, isObject := value.(object); isObject {
			before, _ := result[name].(object)
			if value = merge(before, inner); len(value.(object)) == 0 {
				value = nil
			}
		}
		if result[name] = value; value == nil || value == "" {
			delete(result, name)
		}
	}
	return result
}

// The confirmation of a deletion is for one state of the customer, as the etag is.
func (c *customer) etag() string         { return fmt.Sprintf("%d.%d", c.ID, c.Version) }
func (c *customer) confirmation() string { return "delete-" + c.etag() }

func (c *customer) show() object {
	return merge(c.Settings, object{
		"id": strconv.Itoa(c.ID), "externalRef": c.Ref, "etag": c.etag(), "protection": "None", "createdAt": c.Created, "updatedAt": c.Updated,
		"facts": object{"clients": 0, "clientIds": []string{}, "tenants": 0, "effectiveActive": c.Settings["active"]},
	})
}

// keep writes all of the estate or nothing. What can't be kept isn't answered either: the file is read again at the next start.
func (b *bridge) keep() {
	data, err := json.MarshalIndent(b, "", "  ")
	must(err)
	must(os.WriteFile(b.path+".new", data, 0o600))
	must(os.Rename(b.path+".new", b.path))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// settle gives a customer its settings, unless the name is taken. The same settings are no change.
func (b *bridge) settle(c *customer, settings object) error {
	if settings["name"] == nil {
		return refuse(422, "invalid", "name", "name is missing")
	}
	for _, other := range b.Customers {
		if other != c && other.Settings["name"] == settings["name"] {
			return refuse(409, "conflict", "name", "customer "+strconv.Itoa(other.ID)+" has this name already")
		}
	}
	if fmt.Sprint(settings) != fmt.Sprint(c.Settings) {
		c.Settings, c.Version, c.Updated = settings, c.Version+1, time.Now().UTC()
	}
	return nil
}

func read(r *http.Request) (body object, err error) {
	if json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<20)).Decode(&body) != nil || body == nil {
		return nil, refuse(400, "invalid", "", "the body isn't a JSON object")
	}
	return body, check(body, "")
}

// byReference reads or creates: at most one customer carries a reference.
func (b *bridge) byReference(r *http.Request, ref string) (int, any, error) {
	at := slices.IndexFunc(b.Customers, func(c *customer) bool { return c.Ref == ref })
	if r.Method == "GET" && at >= 0 {
		return 200, b.Customers[at], nil
	} else if r.Method != "PUT" {
		return 0, nil, refuse(404, "not-found", "", "no customer carries this reference")
	}
	body, err := read(r)
	wanted := merge(object{"active": true}, body)
	switch {
	case err != nil:
		return 0, nil, err
	case at < 0:
		c := &customer{ID: b.Last + 1, Ref: ref, Created: time.Now().UTC()}
		if err = b.settle(c, wanted); err == nil {
			b.Last, b.Customers = c.ID, append(b.Customers, c)
		}
		return 201, c, err
	case r.Header.Get("If-None-Match") != "":
		err = refuse(412, "precondition-failed", "", "it exists already")
	case fmt.Sprint(wanted) != fmt.Sprint(b.Customers[at].Settings):
		err = refuse(409, "conflict", "externalRef", "it exists already with other settings")
	}
	return 200, b.Customers[at], err
}

func (b *bridge) byID(r *http.Request, part string) (int, any, error) {
	id, verb, _ := strings.Cut(part, ":")
	at := slices.IndexFunc(b.Customers, func(c *customer) bool { return strconv.Itoa(c.ID) == id })
	if at < 0 {
		return 0, nil, refuse(404, "not-found", "", "there is no such customer")
	}
	c := b.Customers[at]
	if given := strings.Trim(r.Header.Get("If-Match"), `"`); given != c.etag() && (given != "" || r.Method == "PATCH") {
		return 0, nil, refuse(412, "precondition-failed", "", "it is at etag "+c.etag())
	}
	switch route := r.Method + " " + verb; {
	case route == "GET ":
		return 200, c, nil
	case route == "PATCH ":
		patch, err := read(r)
		if err == nil {
			err = b.settle(c, merge(c.Settings, patch))
		}
		return 200, c, err
	case route == "POST activate" || route == "POST deactivate":
		return 200, c, b.settle(c, merge(c.Settings, object{"active": verb == "activate"}))
	case route == "DELETE " && r.FormValue("dryRun") == "true":
		return 200, object{"confirm": c.confirmation(), "clients": 0, "bytes": 0, "refused": []object{}}, nil
	case route == "DELETE " && r.FormValue("confirm") != c.confirmation():
		return 0, nil, refuse(409, "confirmation-required", "confirm", "ask with dryRun=true and send the confirmation")
	case route == "DELETE ":
		b.Customers = slices.Delete(b.Customers, at, at+1)
		return 204, nil, nil
	}
	return 0, nil, refuse(501, "unsupported", "", "this bridge doesn't do that")
}

// page lists the customers after the cursor, as many as the limit allows.
func (b *bridge) page(r *http.Request, show func(*customer) object) (int, any, error) {
	limit, _ := strconv.Atoi(cmp.Or(r.FormValue("limit"), "100"))
	after, err := strconv.Atoi(cmp.Or(r.FormValue("cursor"), "0"))
	if limit < 1 || limit > 500 || err != nil {
		return 0, nil, refuse(400, "invalid", "limit", "limit is 1 to 500, and cursor the `next` of a page")
	}
	body := object{"items": []object{}, "next": nil, "complete": true}
	if r.URL.Path == "/v1/usage" {
		body["asOf"] = time.Now().UTC()
	}
	for _, c := range b.Customers {
		if c.ID <= after || r.Form.Has("externalRef") && c.Ref != r.FormValue("externalRef") {
			continue
		}
		if items := body["items"].([]object); len(items) < limit {
			body["items"], after = append(items, show(c)), c.ID
		} else {
			body["next"], body["complete"] = strconv.Itoa(after), false
			break
		}
	}
	return 200, body, nil
}

func (b *bridge) serve(r *http.Request) (int, any, error) {
	if b.token == "" || subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+b.token)) != 1 {
		return 0, nil, refuse(401, "unauthorized", "", "the request carries no valid token")
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/"), "/")
	none := []string{}
	switch route := r.Method + " " + parts[0]; {
	case route == "GET capabilities":
		return 200, object{
			"contractVersion": "1", "mode": "apply", "repeatableCreate": true,
			"account": object{"id": b.Account, "name": "minimal bridge"},
			"verbs":   []string{"CreateCustomer", "UpdateCustomer", "DeleteCustomer", "SuspendCustomer", "SuspendKeepsData", "ReadUsage"},
			"fields":  object{"customers": settings(), "resellers": none, "tenants": none, "plans": none},
			"units":   object{"storage": "bytes", "rate": "bits/s"}, "limits": object{"pageSize": 500},
			"defaultCustomerId": nil, "defaultResellerId": nil, "defaultPlanId": nil,
		}, nil
	case route == "GET customers" && len(parts) == 1:
		return b.page(r, (*customer).show)
	case route == "GET usage":
		return b.page(r, func(c *customer) object {
			return object{"customerId": strconv.Itoa(c.ID), "tenantId": nil, "storageBytes": 0, "storageMaxBytes": 0, "credits": 0, "months": none}
		})
	case parts[0] == "customers" && len(parts) == 3 && parts[1] == "by-ref":
		return b.byReference(r, parts[2])
	case parts[0] == "customers" && len(parts) == 2:
		return b.byID(r, parts[1])
	case r.Method == "GET" && slices.Contains([]string{"resellers", "plans", "tenants", "clients", "locations", "administrators"}, strings.Join(parts, "/")):
		return 200, object{"items": none, "next": nil, "complete": true}, nil
	}
	return 0, nil, refuse(404, "not-found", "", "this bridge has no such thing")
}

func (b *bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.lock.Lock()
	defer b.lock.Unlock()
	status, body, err := b.serve(r)
	kind := "application/json"
	if refused, is := err.(problem); is {
		status, body, kind = refused["status"].(int), refused, "application/problem+json"
	} else if r.Method != "GET" {
		b.keep()
	}
	if c, isCustomer := body.(*customer); isCustomer {
		w.Header().Set("ETag", `"`+c.etag()+`"`)
		body = c.show()
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8091", "where to listen")
	path := flag.String("data", "bridge.json", "the file to keep the estate in")
	tokens := flag.String("token-file", "", "a file with the bearer token")
	flag.Parse()
	token, err := os.ReadFile(*tokens)
	must(err)
	b := &bridge{path: *path, token: strings.TrimSpace(string(token)), Account: rand.Text()}
	if data, err := os.ReadFile(*path); !os.IsNotExist(err) {
		must(err)
		must(json.Unmarshal(data, b))
	}
	b.keep()
	must(http.ListenAndServe(*listen, b))
}
