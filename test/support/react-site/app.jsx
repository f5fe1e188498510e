/**
 * A site that does not know the emulator. It uses OwnID's published `@ownid/react` as its documentation shows. Only the
 * address of the SDK differs from production.
 */
import { OwnID, OwnIDInit, ownidReactService, WidgetType } from "@ownid/react";
import { StrictMode, useRef, useState } from "react";
import { createRoot } from "react-dom/client";

async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return response.json();
}

function Register({ onDone }) {
  const email = useRef(null);
  const password = useRef(null);
  const confirmation = useRef(null);
  const ownIdData = useRef(null);
  const [error, setError] = useState("");

  async function submit(event) {
    event.preventDefault();
    onDone(await post("/register", { loginId: email.current.value, ownIdData: ownIdData.current }));
  }

  return (
    <form onSubmit={submit}>
      <label>
        E-mail <input ref={email} type="email" />
      </label>
      <label>
        Password <input ref={password} type="password" />
      </label>
      <label ref={confirmation}>
        Password again <input type="password" />
      </label>
      <button type="submit">Register</button>
      <p role="alert">{error}</p>
      <OwnID
        type={WidgetType.Register}
        loginIdField={email}
        passwordField={password}
        passwordFieldBinding={true}
        confirmPasswordContainer={confirmation}
        onRegister={(data) => {
          ownIdData.current = data;
        }}
        onError={setError}
      />
    </form>
  );
}

function Login({ onDone }) {
  const email = useRef(null);
  const password = useRef(null);
  const [error, setError] = useState("");
  return (
    <form>
      <label>
        E-mail <input ref={email} type="email" />
      </label>
      <label>
        Password <input ref={password} type="password" />
      </label>
      <button type="submit">Log in</button>
      <p role="alert">{error}</p>
      <OwnID
        type={WidgetType.Login}
        loginIdField={email}
        passwordField={password}
        onLogin={async (session) => onDone(await post("/login", { session }))}
        onError={setError}
      />
    </form>
  );
}

function Recover({ onDone }) {
  const email = useRef(null);
  return (
    <form>
      <label>
        E-mail <input ref={email} type="email" />
      </label>
      <OwnID
        type={WidgetType.Recover}
        loginIdField={email}
        targetField={email}
        options={{ widgetPosition: "end", addOrStatement: false, variant: "button" }}
        onLogin={async (session) => onDone(await post("/login", { session }))}
      />
    </form>
  );
}

function Account({ person, onLogOut }) {
  const [news, setNews] = useState("");
  async function addDevice() {
    const { error, message } = await ownidReactService.enrollDevice();
    setNews(error ? message : "Device added");
  }
  return (
    <section>
      <h1>Hello {person.loginId}</h1>
      <p>{person.token ? `Verified: ${person.token.claims.sub}` : "No token"}</p>
      <p role="status">{news}</p>
      <button type="button" onClick={addDevice}>
        Add device
      </button>
      <button type="button" onClick={onLogOut}>
        Log out
      </button>
    </section>
  );
}

const views = { Register, Login, Recover };

function Site() {
  const [view, setView] = useState("Register");
  const [person, setPerson] = useState(null);
  const View = views[view];
  return (
    <>
      <OwnIDInit config={{ appId: "demo", overrideSdk: document.body.dataset.sdk }} />
      {Object.keys(views).map((name) => (
        <button type="button" key={name} onClick={() => setView(name)}>
          Go to {name}
        </button>
      ))}
      {person ? <Account person={person} onLogOut={() => setPerson(null)} /> : <View onDone={setPerson} />}
    </>
  );
}

createRoot(document.getElementById("root")).render(
  <StrictMode>
    <Site />
  </StrictMode>,
);
