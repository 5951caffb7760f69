import { mount } from "svelte";

import App from "./App.svelte";
import "./style/style.css";

mount(App, { target: document.getElementById("studio") as HTMLElement });
