package main

import (
	"bytes"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"
)

var vimTypes = types.TypeFunc()

// vimType finds a Go type by its name in the schema, with or without a namespace prefix.
func vimType(name string) (reflect.Type, bool) {
	if kind, ok := vimTypes(name); ok {
		return kind, ok
	}
	if _, local, found := strings.Cut(name, ":"); found {
		return vimTypes(local)
	}
	return nil, false
}

// answer is the body of a response: either a fault or the response element of the method.
type answer struct {
	fault    *soap.Fault
	response interface{}
}

func (a answer) Fault() *soap.Fault { return a.fault }

func refused(fault types.BaseMethodFault) answer {
	return answer{fault: simulator.Fault(faultMessage(fault), fault)}
}

func invalidRequest(format string, values ...interface{}) answer {
	return answer{fault: simulator.Fault(fmt.Sprintf(format, values...), &types.InvalidRequest{})}
}

// answerOf takes the response out of a body of the simulator, whose field is named Res.
func answerOf(body soap.HasFault) answer {
	if fault := body.Fault(); fault != nil {
		if fault.String == "" {
			if method, ok := fault.Detail.Fault.(types.BaseMethodFault); ok {
				fault.String = faultMessage(method)
			}
		}
		return answer{fault: fault}
	}
	return answer{response: reflect.ValueOf(body).Elem().FieldByName("Res").Interface()}
}

type envelope struct {
	XMLName xml.Name    `xml:"soapenv:Envelope"`
	Enc     string      `xml:"xmlns:soapenc,attr"`
	Env     string      `xml:"xmlns:soapenv,attr"`
	XSD     string      `xml:"xmlns:xsd,attr"`
	XSI     string      `xml:"xmlns:xsi,attr"`
	Body    interface{} `xml:"soapenv:Body"`
}

type faultElement struct {
	XMLName xml.Name `xml:"soapenv:Fault"`
	Code    string   `xml:"faultcode"`
	String  string   `xml:"faultstring"`
	Detail  struct {
		Fault faultDetail
	} `xml:"detail"`
}

type faultDetail struct{ value types.AnyType }

// MarshalXML names the element after the fault, as vCenter does: <FileLockedFault xsi:type="FileLocked">.
func (d faultDetail) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	kind := reflect.TypeOf(d.value).Elem().Name()
	start.Name.Local = kind + "Fault"
	start.Attr = append(start.Attr,
		xml.Attr{Name: xml.Name{Local: "xmlns"}, Value: "urn:vim25"},
		xml.Attr{Name: xml.Name{Local: "xsi:type"}, Value: kind})
	return e.EncodeElement(d.value, start)
}

// taskResponse answers every method that gives a task; the schema names it after the method.
type taskResponse struct {
	XMLName   xml.Name
	Returnval types.ManagedObjectReference `xml:"returnval"`
}

type responseElement struct{ value interface{} }

func (r responseElement) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	inner := xml.StartElement{Name: xml.Name{
		Space: "urn:vim25",
		Local: reflect.TypeOf(r.value).Elem().Name(),
	}}
	if task, ok := r.value.(*taskResponse); ok {
		inner.Name.Local = task.XMLName.Local
	}
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	if err := e.EncodeElement(r.value, inner); err != nil {
		return err
	}
	return e.EncodeToken(start.End())
}

// shortTypes finds the long prefix of Go's encoder, which vCenter writes as xsi:type.
var shortTypes = regexp.MustCompile(`(?: xmlns:XMLSchema-instance="[^"]*")? XMLSchema-instance:type=`)

// encodeAnswer must run under the lock of the peer: a response points into live objects.
func encodeAnswer(a answer) (int, []byte, error) {
	status := http.StatusOK
	var body interface{} = responseElement{a.response}
	if a.fault != nil {
		status = http.StatusInternalServerError
		element := &faultElement{Code: a.fault.Code, String: a.fault.String}
		element.Detail.Fault.value = a.fault.Detail.Fault
		body = struct{ Fault *faultElement }{element}
	}
	var out bytes.Buffer
	out.WriteString(xml.Header)
	err := xml.NewEncoder(&out).Encode(&envelope{
		Enc:  "http://schemas.xmlsoap.org/soap/encoding/",
		Env:  "http://schemas.xmlsoap.org/soap/envelope/",
		XSD:  "http://www.w3.org/2001/XMLSchema",
		XSI:  "http://www.w3.org/2001/XMLSchema-instance",
		Body: body,
	})
	return status, shortTypes.ReplaceAll(out.Bytes(), []byte(" xsi:type=")), err
}
