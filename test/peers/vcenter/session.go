package main

import (
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// userSession keeps the views and filters of one login.
type userSession struct {
	*simulator.Session
	account *account
}

// account is a user of vCenter. Without a list it holds every privilege; with grants only what they give, where they do.
type account struct {
	Name       string         `json:"name"`
	Password   string         `json:"password"`
	Privileges []string       `json:"privileges,omitempty"`
	Grants     []grant        `json:"grants,omitempty"`
	Denied     []deniedAccess `json:"denied,omitempty"`
}

// deniedAccess takes one privilege away, on one object or, without object, everywhere.
type deniedAccess struct {
	Privilege string `json:"privilege"`
	Object    string `json:"object,omitempty"`
}

type sessionTable struct {
	accounts map[string]*account
	sessions map[string]*userSession
}

func newSessionTable(o options) *sessionTable {
	return &sessionTable{
		accounts: map[string]*account{o.user: {Name: o.user, Password: o.password}},
		sessions: map[string]*userSession{},
	}
}

func isAllowedWithoutSession(method string) bool {
	switch method {
	case "RetrieveServiceContent", "Login", "CurrentTime":
		return true
	}
	return false
}

func (t *sessionTable) of(r *http.Request) *userSession {
	cookie, err := r.Cookie(soap.SessionCookieName)
	if err != nil {
		return nil
	}
	s := t.sessions[cookie.Value]
	if s != nil {
		s.LastActiveTime = time.Now().UTC()
		s.CallCount++
	}
	return s
}

// expireAll forgets every session, as vCenter does after 30 idle minutes or a restart of its service.
func (t *sessionTable) expireAll() {
	t.sessions = map[string]*userSession{}
}

func login(c *call) answer {
	request := c.body.(*types.Login)
	p := c.peer
	known := p.sessions.accounts[request.UserName]
	if c.session != nil || known == nil || known.Password != request.Password {
		return answer{fault: simulator.Fault(
			"Cannot complete login due to an incorrect user name or password.", new(types.InvalidLogin))}
	}
	now := time.Now().UTC()
	locale := request.Locale
	if locale == "" {
		locale = "en"
	}
	s := &userSession{account: known, Session: &simulator.Session{
		UserSession: types.UserSession{
			Key: uuid.New().String(), UserName: known.Name, FullName: known.Name, LoginTime: now,
			LastActiveTime: now, Locale: locale, MessageLocale: locale,
			ExtensionSession: types.NewBool(false), IpAddress: "127.0.0.1", UserAgent: c.request.UserAgent(),
		},
		Registry: simulator.NewRegistry(),
	}}
	p.sessions.sessions[s.Key] = s
	http.SetCookie(c.writer, &http.Cookie{
		Name: soap.SessionCookieName, Value: s.Key, Path: "/", HttpOnly: true, Secure: true,
	})
	return answer{response: &types.LoginResponse{Returnval: s.UserSession}}
}

func logout(c *call) answer {
	p := c.peer
	delete(p.sessions.sessions, c.session.Key)
	return answerOf(p.invoke(c.session, c.this, c.method, c.body))
}

func sessionIsActive(c *call) answer {
	p := c.peer
	if p.isESX() {
		return refused(&types.NotImplemented{})
	}
	request := c.body.(*types.SessionIsActive)
	s := p.sessions.sessions[request.SessionID]
	body := &methods.SessionIsActiveBody{Res: &types.SessionIsActiveResponse{
		Returnval: s != nil && s.UserName == request.UserName,
	}}
	return answerOf(body)
}
