// Every read operation by the Go client of OpenAPI Generator, which checks the required fields of each answer.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"strings"

	"example.com/calltally/openapi"
)

type read struct {
	Operation, Class, Path string
	Parameters, Query      map[string]string
	IsAdmin                bool
}

func client(header, value string) *openapi.APIClient {
	configuration := openapi.NewConfiguration()
	configuration.Servers = openapi.ServerConfigurations{{URL: os.Getenv("BASE")}}
	configuration.AddDefaultHeader(header, value)
	return openapi.NewAPIClient(configuration)
}

// upper returns a name of the document as the generator writes it for Go: `from` as `From`.
func upper(name string) string {
	return strings.ToUpper(name[:1]) + name[1:]
}

// pathValues returns the values of the parameters in the order of the path.
func pathValues(each read) []reflect.Value {
	values := []reflect.Value{reflect.ValueOf(context.Background())}
	for _, part := range strings.Split(each.Path, "/") {
		if value, isParameter := each.Parameters[strings.Trim(part, "{}")]; isParameter && part[:1] == "{" {
			values = append(values, reflect.ValueOf(value))
		}
	}
	return values
}

// send calls one operation, and returns the fault of the client.
func send(from *openapi.APIClient, each read) error {
	api := reflect.ValueOf(from).Elem().FieldByName(each.Class + "API")
	request := api.MethodByName(upper(each.Operation)).Call(pathValues(each))[0]
	for name, value := range each.Query {
		request = request.MethodByName(upper(name)).Call([]reflect.Value{reflect.ValueOf(value)})[0]
	}
	results := request.MethodByName("Execute").Call(nil)
	if err, isFault := results[len(results)-1].Interface().(error); isFault {
		return err
	}
	if response := results[len(results)-2].Interface().(*http.Response); response.StatusCode != http.StatusOK {
		return fmt.Errorf("it answered %d", response.StatusCode)
	}
	return nil
}

func main() {
	tenant := client("authorization", "Bearer "+os.Getenv("KEY"))
	admin := client("x-admin-key", os.Getenv("ADMIN_KEY"))
	statuses := []openapi.CallStatus{openapi.CALLSTATUS_COMPLETED, openapi.CALLSTATUS_BUSY}
	page, _, err := tenant.CallLogsAPI.ListCallLogs(context.Background()).Limit(5).Status(statuses).Execute()
	if err != nil {
		panic(err)
	}
	var total int64 = page.Total
	if status := page.Data[0].Call.GetStatus(); total != 2 || status != openapi.CALLSTATUS_BUSY {
		panic(fmt.Sprint(total, status))
	}
	var reads []read
	if err := json.Unmarshal([]byte(os.Getenv("READS")), &reads); err != nil {
		panic(err)
	}
	failed := 0
	for _, each := range reads {
		from := tenant
		if each.IsAdmin {
			from = admin
		}
		if err := send(from, each); err != nil {
			failed++
			fmt.Printf("%s: %v\n", each.Operation, err)
		}
	}
	fmt.Printf("%d reads, total %d\n", len(reads), total)
	if failed > 0 {
		os.Exit(1)
	}
}
